//! The bench, in small: that it measures real work and tells every figure.

use crate::backstitch;

#[test]
fn every_figure_is_measured_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let output = backstitch(folder.path(), &["bench", "--people", "3", "--rounds", "1", "--json"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let zero_at_least = ["delay_ms"];
    for key in [
        "people",
        "delay_ms",
        "calls_per_s",
        "limit_http_calls_per_s",
        "limit_commit_calls_per_s",
        "ratio_of_commit_limit",
        "ratio_of_http_limit",
        "cpu_ms_per_call",
        "limit_commit_p99_ms",
        "rss_peak_mib",
        "commit_p50_ms",
        "commit_p99_ms",
        "calls_per_person",
        "db_bytes_per_person",
        "people_per_s",
    ] {
        let figure = told[key].as_f64().unwrap_or_else(|| panic!("{key} is missing in {told}"));
        assert!(figure > 0.0 || zero_at_least.contains(&key), "{key} = {figure}");
    }
    assert_eq!(told["people"], 3);
    assert!(told["calls_per_person"].as_f64().unwrap() > 40.0, "ten objects each take at least so many: {told}");
}
