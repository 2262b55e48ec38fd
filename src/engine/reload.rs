//! Other rules while the work goes on.

use super::{Engine, EngineError, EngineRules};
use crate::{job::Now, store::Tx};

const OTHER_KEY: &str = "the API key was changed by a reload; the workspace is asked for again before anything is sent";
const OTHER_WORKSPACE: &str =
    "seam.production_workspace was changed by a reload; the workspace is asked for again before anything is sent";

impl Engine {
    /// Other numbers from the next tick on, also for jobs under way; what they were before is on no row.
    pub fn set_rules(&mut self, rules: EngineRules) {
        self.soft.limits.set_rules(rules.limits);
        self.soft.follow.set_rules(rules.follow);
        self.rules = rules;
    }

    /// The same by an operator, all or nothing. With another key, or another word on which workspace it may open, nothing is sent before
    /// the workspace is confirmed anew; while everything is paused, the end of the pause is looked for at once.
    ///
    /// # Errors
    /// The database refused; then the old rules hold.
    pub async fn reload(&mut self, rules: EngineRules, other_key: bool, now: Now) -> Result<(), EngineError> {
        if self.rules.care.for_ms <= 0 && rules.care.for_ms > 0 {
            let mut tx = Tx::begin(&mut self.opened.conn).await?;
            tx.check_epoch(self.opened.epoch).await?;
            tx.adopt_care(now.wall.plus(-rules.care.for_ms), now.wall.plus(rules.care.first_ms)).await?;
            tx.commit().await?;
        }
        let other_workspace = self.rules.production_workspace != rules.production_workspace;
        self.set_rules(rules);
        match (other_key, other_workspace) {
            (true, _) => self.soft.distrust_key(OTHER_KEY, now.mono_ms),
            (false, true) => self.soft.distrust_key(OTHER_WORKSPACE, now.mono_ms),
            (false, false) => self.soft.limits.ask_soon(),
        }
        Ok(())
    }
}
