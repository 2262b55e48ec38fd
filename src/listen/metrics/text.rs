//! From OpenMetrics to the text that came before it (Prometheus, "Exposition formats", version 0.0.4): there a counter's head bears the
//! name of its samples, and nothing tells the end.

use std::collections::BTreeSet;

/// The same metrics in the older text.
pub(super) fn classic(open: &str) -> String {
    let counters: BTreeSet<&str> =
        open.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut out = String::with_capacity(open.len() + 1024);
    for line in open.lines() {
        let head = ["# HELP ", "# TYPE "].into_iter().find_map(|head| Some((head, line.strip_prefix(head)?)));
        match head.and_then(|(head, rest)| Some((head, rest.split_once(' ')?))) {
            Some((head, (name, rest))) if counters.contains(name) => {
                out.extend([head, name, "_total ", rest]);
            }
            None if line.starts_with('#') => continue,
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::classic;

    #[test]
    fn heads_of_counters_bear_their_samples_name() {
        let open = "# HELP calls Calls.\n# TYPE calls counter\n# UNIT calls calls\ncalls_total{a=\"# x\"} 1\n\
            # HELP calls_open Open.\n# TYPE calls_open gauge\ncalls_open 2\n# EOF\n";
        let older = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total{a=\"# x\"} 1\n\
            # HELP calls_open Open.\n# TYPE calls_open gauge\ncalls_open 2\n";
        assert_eq!(classic(open), older);
    }
}
