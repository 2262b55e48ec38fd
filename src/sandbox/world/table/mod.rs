//! The endpoints: path, accepted methods, parameters, handler. Methods and parameters after Seam's OpenAPI,
//! `@seamapi/types` 1.977.0 and, where that is newer, 1.1038.0.

use std::{collections::HashMap, sync::LazyLock};

use serde_json::{Value, json};

use super::{
    World,
    args::{Args, Param, Type, may, may_null, need},
    refusal::Refusal,
};

mod access;
mod people;
#[cfg(test)]
mod tests;

/// One endpoint.
pub(super) struct Endpoint {
    pub path: &'static str,
    pub methods: &'static [&'static str],
    pub params: &'static [Param],
    /// Exactly one of these groups must be given, and whole; empty: no such rule.
    pub one_of: &'static [&'static [&'static str]],
    pub handler: Handler,
}

pub(super) fn find(path: &str) -> Option<&'static Endpoint> {
    static BY_PATH: LazyLock<HashMap<&str, &Endpoint>> =
        LazyLock::new(|| all().map(|endpoint| (endpoint.path, endpoint)).collect());
    BY_PATH.get(path).copied()
}

pub(super) fn all() -> impl Iterator<Item = &'static Endpoint> {
    people::ENDPOINTS.iter().chain(access::ENDPOINTS)
}

/// What the endpoints take, to be compared with what Seam publishes.
pub(super) fn described() -> Value {
    let param = |param: &Param| json!({"name": param.name, "required": param.required, "nullable": param.nullable});
    let endpoint = |endpoint: &Endpoint| {
        json!({"path": endpoint.path, "methods": endpoint.methods, "one_of": endpoint.one_of,
            "params": endpoint.params.iter().map(param).collect::<Vec<_>>()})
    };
    all().map(endpoint).collect()
}

type Handler = fn(&mut World, &Args) -> Result<Value, Refusal>;
type Methods = &'static [&'static str];
type Groups = &'static [&'static [&'static str]];

const READ: Methods = &["GET", "POST"];
const REMOVE: Methods = &["DELETE", "POST"];
const CHANGE: Methods = &["PATCH", "POST"];
const ADD: Methods = &["PUT", "POST"];
const POST: Methods = &["POST"];

const FREE: Groups = &[];
const ONE_ACS_USER: Groups = &[&["acs_user_id"], &["user_identity_id", "acs_system_id"]];
/// An ACS user itself, or whatever identity it is linked to.
const ONE_HOLDER: Groups = &[&["acs_user_id"], &["user_identity_id"]];

const IDENTITY: Param = need("user_identity_id", Type::Uuid);
const MAY_IDENTITY: Param = may("user_identity_id", Type::Uuid);
const ACS_USER: Param = need("acs_user_id", Type::Uuid);
const MAY_ACS_USER: Param = may("acs_user_id", Type::Uuid);
const SYSTEM: Param = need("acs_system_id", Type::Uuid);
const MAY_SYSTEM: Param = may("acs_system_id", Type::Uuid);
const MAY_ACCOUNT: Param = may("connected_account_id", Type::Uuid);
const MAY_CUSTOMER: Param = may("customer_key", Type::Text);
const DEVICE: Param = need("device_id", Type::Uuid);
const MAY_DEVICE: Param = may("device_id", Type::Uuid);
const MAY_SPACE: Param = may("space_id", Type::Uuid);
const LIMIT: Param = may("limit", Type::Count);
const CURSOR: Param = may_null("page_cursor", Type::Text);
const SEARCH: Param = may("search", Type::Text);
const BEFORE: Param = may("created_before", Type::Time);

const fn at(
    path: &'static str,
    methods: Methods,
    params: &'static [Param],
    one_of: Groups,
    handler: Handler,
) -> Endpoint {
    Endpoint { path, methods, params, one_of, handler }
}
