//! From a request to an endpoint's handler: routing, key, content type, body, parameters, in the order of Seam's framework (nextlove 4.3).

use serde_json::{Map, Value, json};

use super::{
    World,
    args::{self, Param, Type},
    refusal::Refusal,
    table::{self, Endpoint},
};
use crate::sandbox::{Request, Response, Settings, TimeStyle};

/// What was sent, before any check: for the ledger, and to be checked.
pub(super) fn raw_arguments(settings: &Settings, request: &Request) -> Result<Map<String, Value>, Refusal> {
    let endpoint = table::find(&request.path);
    let params = endpoint.map_or(&[][..], |endpoint| endpoint.params);
    let mut raw = read_query(settings, params, &request.query)?;
    let body = request.body.as_deref().unwrap_or_default();
    if body.is_empty() {
        return Ok(raw);
    }
    let is_json = request.content_type.as_deref().is_some_and(|found| found.starts_with("application/json"));
    if !is_json && matches!(request.method.as_str(), "POST" | "PATCH" | "PUT") {
        let message = format!("{} requests must have Content-Type header with \"application/json\"", request.method);
        return Err(Refusal::new(400, "invalid_content_type", message));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(body)) => raw.extend(body),
        Ok(_) => return Err(Refusal::invalid("Expected object")),
        Err(_) => return Err(Refusal::Text { status: 400, body: "Invalid JSON" }),
    }
    Ok(raw)
}

fn takes_fields(params: &[Param], name: &str) -> bool {
    params.iter().any(|param| param.name == name && matches!(param.kind, Type::Fields(_) | Type::Labels))
}

/// An empty value is null, a dotted name a field of an object, a repeated name a list. Without `_strict=true` the server also takes `a[]=` and comma lists.
fn read_query(
    settings: &Settings,
    params: &[Param],
    query: &[(String, String)],
) -> Result<Map<String, Value>, Refusal> {
    let strict = settings.strict_queries || query.iter().any(|(name, value)| name == "_strict" && value == "true");
    let mut raw = Map::<String, Value>::new();
    for (name, value) in query.iter().filter(|(name, _)| name != "_strict") {
        let plain = name.strip_suffix("[]");
        if strict && plain.is_some() {
            return Err(Refusal::new(400, "invalid_query_params", format!("\"{name}\" is not a valid parameter name")));
        }
        let name = plain.unwrap_or(name);
        if let Some((outer, inner)) = name.split_once('.').filter(|(outer, _)| takes_fields(params, outer)) {
            if let Value::Object(fields) = raw.entry(outer).or_insert_with(|| json!({})) {
                fields.insert(inner.to_owned(), if value.is_empty() { Value::Null } else { json!(value) });
            }
            continue;
        }
        let takes_list = params.iter().any(|param| {
            param.name == name && param.kind.is_list() // others keep their text whole
        });
        let value = match value.as_str() {
            "" if takes_list => json!([]),
            "" => Value::Null,
            text if takes_list && !strict => json!(text.split(',').collect::<Vec<_>>()),
            text if takes_list => json!([text]),
            text => json!(text),
        };
        match (raw.get_mut(name), value) {
            (Some(Value::Array(items)), Value::Array(more)) => items.extend(more),
            (_, value) => {
                raw.insert(name.to_owned(), value);
            }
        }
    }
    Ok(raw)
}

/// Writes the times of an answer in another style than the usual one.
fn restyle(answer: &mut Value, style: TimeStyle) {
    let zone = match style {
        TimeStyle::Millis => return,
        TimeStyle::Micros => "000Z",
        TimeStyle::Offset => "+00:00",
    };
    match answer {
        Value::Array(items) => items.iter_mut().for_each(|item| restyle(item, style)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str().filter(|_| name.ends_with("_at")).and_then(|text| text.strip_suffix('Z')) {
                    Some(text) => *value = json!(format!("{text}{zone}")),
                    None => restyle(value, style),
                }
            }
        }
        _ => {}
    }
}

impl World {
    /// Answers a request as Seam would, with all its effects, and notes status and error type in the ledger.
    pub(super) fn answer(&mut self, seq: u64, request: &Request) -> Response {
        let outcome = self.dispatch(request);
        let (status, content_type, body, error_type) = match &outcome {
            Ok(value) => (200, "application/json; charset=utf-8", value.to_string().into_bytes(), None),
            Err(refusal) => {
                let (content_type, body) = refusal.body();
                let error_type = match refusal {
                    Refusal::Typed { error_type, .. } => Some(error_type.clone()),
                    Refusal::Text { .. } => None,
                };
                (refusal.status(), content_type, body, error_type)
            }
        };
        self.ledger.answered(seq, status, error_type);
        self.respond(status, content_type, body)
    }

    /// A response with the headers that every answer of Seam has.
    pub(super) fn respond(&mut self, status: u16, content_type: &str, body: Vec<u8>) -> Response {
        let request_id = self.new_id();
        let mut headers = vec![("date".to_owned(), self.http_date()), ("seam-request-id".to_owned(), request_id)];
        if !content_type.is_empty() {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        Response { status, headers, body }
    }

    fn dispatch(&mut self, request: &Request) -> Result<Value, Refusal> {
        let endpoint = self.route(request)?;
        self.authorise(request)?;
        let raw = raw_arguments(&self.settings, request)?;
        if self.settings.unknown_params_refused {
            args::check_known(endpoint.params, &raw)?;
        }
        let args = args::check(endpoint.params, endpoint.one_of, &raw)?;
        if self.faults.other_workspace {
            return self.elsewhere().dispatch(request);
        }
        let mut answer = (endpoint.handler)(self, &args)?;
        answer["ok"] = json!(true);
        restyle(&mut answer, self.settings.time_style);
        Ok(answer)
    }

    fn route(&self, request: &Request) -> Result<&'static Endpoint, Refusal> {
        let endpoint = table::find(&request.path)
            .filter(|endpoint| !self.is_missing(endpoint.path))
            .ok_or(Refusal::Text { status: 404, body: "404" })?;
        if endpoint.methods.contains(&request.method.as_str()) {
            return Ok(endpoint);
        }
        let message = format!("only {} accepted", endpoint.methods.join(","));
        Err(Refusal::new(405, "method_not_allowed", message))
    }

    fn is_missing(&self, path: &str) -> bool {
        let named = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => path.starts_with(start),
            None => path == pattern,
        };
        (!self.settings.enrollment_endpoints && path.contains("/enrollment_automations/"))
            || self.settings.missing_endpoints.iter().any(named)
    }

    /// Whether the request's key opens this workspace: the API key by itself, a personal access token together with
    /// the workspace's id.
    pub(super) fn is_key_good(&self, request: &Request) -> bool {
        self.check_key(request).is_ok()
    }

    fn authorise(&self, request: &Request) -> Result<(), Refusal> {
        match self.faults.key_revoked {
            true => Err(Refusal::new(401, "unauthorized", "Invalid API key")),
            false => self.check_key(request),
        }
    }

    fn check_key(&self, request: &Request) -> Result<(), Refusal> {
        let key = request.authorization.as_deref().and_then(|header| header.strip_prefix("Bearer "));
        match key {
            Some(key) if key == self.settings.api_key => Ok(()),
            Some(key) if key == self.settings.personal_access_token => match request.workspace.as_deref() {
                Some(id) if id == self.workspace_id => Ok(()),
                // fake-seam-connect 1.86 answers 400 here, 2.0 401.
                None => Err(Refusal::new(400, "missing_workspace_id", "The header seam-workspace is missing")),
                Some(_) => Err(Refusal::new(401, "workspace_not_found", "Workspace not found")),
            },
            _ => Err(Refusal::new(401, "unauthorized", "Invalid API key")),
        }
    }
}
