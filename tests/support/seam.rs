//! The simulated Seam as a process, and the looks behind its scene.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use backstitch::sandbox::{Effect, Entry, Fault, Faults, Landing, PersonTruth, Seeded, Truth};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// How many times faster than life the simulated Seam is.
const SPEED: u64 = 10;

/// Faults that pass by themselves, with their lags shortened as the rest of this Seam.
pub fn passing_faults(rate: f64) -> Faults {
    let mut faults = Faults::transient(rate);
    for rule in &mut faults.rules {
        match &mut rule.fault {
            Fault::TimeOut(Landing::After(ms)) | Fault::Reset(Landing::After(ms)) => *ms /= SPEED,
            Fault::StaleList { age_ms } => *age_ms /= SPEED,
            _ => {}
        }
    }
    faults.events.late_ms /= SPEED;
    for rule in &mut faults.reappear {
        rule.after_ms /= SPEED;
        // As often as everything else, so that it surely happens.
        rule.probability = rate;
    }
    faults
}

pub struct Seam {
    pub endpoint: String,
    pub api_key: String,
    child: Child,
    runtime: Runtime,
    http: reqwest::Client,
}

impl Seam {
    /// `backstitch sandbox` without people.
    pub fn start(seed: u64) -> Seam {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backstitch"))
            .args(["sandbox", "--people", "0", "--listen", "127.0.0.1:0"])
            .args(["--seed", &seed.to_string(), "--speed", &SPEED.to_string(), "--quiet"])
            .env_clear()
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut value = |name: &str| lines.next().unwrap().unwrap().strip_prefix(name).unwrap().to_owned();
        let (endpoint, api_key) = (value("endpoint="), value("api_key="));
        backstitch::seam::install_tls();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Seam { endpoint, api_key, child, runtime, http }
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> String {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap().error_for_status().unwrap();
            answer.text().await.unwrap()
        })
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.ask(self.http.get(format!("{}/_sandbox/{path}", self.endpoint)));
        serde_json::from_str(&answer).unwrap()
    }

    fn lines<T: DeserializeOwned>(&self, path: &str) -> Vec<T> {
        let answer = self.ask(self.http.get(format!("{}/_sandbox/{path}", self.endpoint)));
        answer.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn post(&self, path: &str, body: &Value) -> String {
        let request = self.http.post(format!("{}{path}", self.endpoint)).bearer_auth(&self.api_key).json(body);
        self.ask(request)
    }

    /// Adds people and candidates.
    pub fn seed(&self, people: usize, candidates: usize) -> Vec<Seeded> {
        serde_json::from_str(&self.post("/_sandbox/seed", &json!({"people": people, "candidates": candidates})))
            .unwrap()
    }

    pub fn acs_systems(&self) -> Vec<String> {
        let answer: Value = serde_json::from_str(&self.post("/acs/systems/list", &json!({}))).unwrap();
        let systems = answer["acs_systems"].as_array().unwrap();
        systems.iter().map(|system| system["acs_system_id"].as_str().unwrap().to_owned()).collect()
    }

    pub fn set_faults(&self, faults: &Faults) {
        self.post("/_sandbox/faults", &serde_json::to_value(faults).unwrap());
    }

    pub fn clear_faults(&self) {
        self.post("/_sandbox/faults/clear", &json!({}));
    }

    pub fn truth(&self) -> Truth {
        self.get("truth")
    }

    pub fn person(&self, user_identity_id: &str) -> PersonTruth {
        let mut found: Vec<PersonTruth> = self.get(&format!("truth/person?user_identity_id={user_identity_id}"));
        found.remove(0)
    }

    /// Every identity that ever had this key.
    pub fn known_as(&self, key: &str) -> Vec<PersonTruth> {
        self.get(&format!("truth/person?key={key}"))
    }

    pub fn ledger(&self) -> Vec<Entry> {
        self.ledger_since(0)
    }

    /// The requests after that many.
    pub fn ledger_since(&self, seq: u64) -> Vec<Entry> {
        self.lines(&format!("ledger?since_seq={seq}"))
    }

    pub fn effects(&self) -> Vec<Effect> {
        self.lines("effects")
    }
}

impl Drop for Seam {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
