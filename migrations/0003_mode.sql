-- The way an offboarding goes, once its identity is found; none in older rows, which went the ordered way.
ALTER TABLE jobs ADD COLUMN mode TEXT CHECK (mode IN ('ordered', 'cascade'));
