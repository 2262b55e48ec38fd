//! Objects as the endpoints show them: every required field of Seam's OpenAPI, plus what the object itself has.

use serde_json::{Map, Value, json};

use super::{Kind, Object, World, object::Role, stamp};

impl World {
    pub(super) fn shown_all(&self, borns: &[u64]) -> Vec<Value> {
        borns.iter().filter_map(|born| self.stock.get(*born)).map(|object| self.shown(object)).collect()
    }

    /// `{"acs_user": {…}}`
    pub(super) fn answer_with(&self, born: u64) -> Value {
        self.stock.get(born).map_or(Value::Null, |object| json!({ object.kind.spec().one: self.shown(object) }))
    }

    pub(super) fn shown(&self, object: &Object) -> Value {
        let mut shown = self.common(object);
        for (role, id) in &object.links {
            // A session shows its identity and lists them all; a phone and a device never say whose they are.
            let hidden = matches!(object.kind, Kind::Phone | Kind::Device) && *role == Role::Identity;
            if let Some(field) = role.field().filter(|_| !hidden) {
                shown.entry(field).or_insert_with(|| json!(id));
            }
        }
        let extra = match object.kind {
            Kind::UserIdentity => self.identity_fields(object),
            Kind::AcsUser => self.acs_user_fields(object),
            Kind::AcsCredential => credential_fields(object),
            Kind::ClientSession => self.session_fields(object),
            Kind::InstantKey => json!({"expires_at": stamp(self.server_ms(object.created_ms) + 30 * DAY_MS)}),
            Kind::AccessGrant => self.grant_fields(object),
            Kind::AccessMethod => json!({"is_issued": true, "issued_at": shown["created_at"],
                "display_name": "Access method", "display_status": "Issued"}),
            Kind::Phone => json!({"device_type": "ios_phone", "display_name": "Phone", "custom_metadata": {},
                "properties": {"assa_abloy_credential_service_metadata": {"has_active_endpoint": true, "endpoints": []}}}),
            Kind::Device => self.device_fields(object),
            Kind::AcsSystem => self.system_fields(object),
            Kind::AcsEntrance => {
                json!({"display_name": "Door", "space_ids": self.spaces_with("acs_entrance_ids", &object.id)})
            }
            Kind::AcsAccessGroup => group_fields(object),
            Kind::Space => space_fields(object),
            Kind::EnrollmentAutomation | Kind::Webhook => json!({}),
        };
        if let Value::Object(extra) = extra {
            shown.extend(extra);
        }
        let inner = object.kind.spec().inner;
        let own = object.fields.iter().filter(|(name, _)| !inner.contains(&name.as_str()));
        shown.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(shown)
    }

    /// What nearly every object has: ids, creation, and the three lists with what goes on.
    fn common(&self, object: &Object) -> Map<String, Value> {
        let mut shown = Map::new();
        let mut put = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        put(object.kind.spec().id_field, json!(object.id));
        if object.kind == Kind::Webhook {
            return shown;
        }
        if object.kind != Kind::AcsEntrance {
            put("workspace_id", json!(self.workspace_id));
        }
        put("created_at", json!(stamp(self.created_ms(object))));
        if let Some(system) = object.link(Role::AcsSystem) {
            put("connected_account_id", json!(self.account_of(system)));
        }
        if SILENT.contains(&object.kind) {
            return shown;
        }
        let then_ms = self.now.saturating_sub(self.view.stale_ms);
        let since = object.deleting_ms.filter(|since_ms| *since_ms <= then_ms);
        let at = stamp(self.server_ms(since.unwrap_or_default()));
        let mut pending = object.pending.clone();
        let mut warnings = Vec::new();
        if since.is_some() {
            warnings.push(json!({"warning_code": "being_deleted", "message": "Is being deleted.", "created_at": at}));
            if object.kind == Kind::AcsUser {
                pending.push(json!({"mutation_code": "deleting", "message": "Is being deleted.", "created_at": at}));
            }
        }
        put("errors", json!(object.errors));
        put("warnings", json!(warnings));
        if MUTABLE.contains(&object.kind) {
            put("pending_mutations", json!(pending));
        }
        shown
    }

    /// Server time of an object's creation.
    pub(super) fn created_ms(&self, object: &Object) -> i64 {
        self.server_ms(object.created_ms.max(self.founded_ms))
    }

    fn identity_fields(&self, object: &Object) -> Value {
        let acs_users = self.living_children(&object.id, Kind::AcsUser);
        let troubled = acs_users.iter().filter(|acs_user| {
            acs_user.errors.iter().any(|error| error["error_code"] == "failed_to_delete_on_acs_system")
        });
        let errors: Vec<Value> = troubled
            .map(|acs_user| {
                json!({"error_code": "issue_with_acs_user", "message": "An ACS user has an error.",
                    "acs_user_id": acs_user.id, "acs_system_id": acs_user.link(Role::AcsSystem),
                    "created_at": stamp(self.server_ms(self.now))})
            })
            .collect();
        let name = ["full_name", "email_address", "phone_number", "user_identity_key"]
            .iter()
            .find_map(|name| object.text(name))
            .unwrap_or("User identity");
        json!({
            "display_name": name, "user_identity_key": null, "email_address": null, "phone_number": null,
            "full_name": null, "acs_user_ids": acs_users.iter().map(|user| &user.id).collect::<Vec<_>>(),
            "merged_user_identity_ids": [], "merged_user_identity_keys": [], "errors": errors,
        })
    }

    fn acs_user_fields(&self, object: &Object) -> Value {
        let mut fields = json!({
            "display_name": object.text("full_name").unwrap_or("ACS user"), "is_managed": true,
            "last_successful_sync_at": null, "is_suspended": false,
        });
        let identity = object.link(Role::Identity).and_then(|id| self.stock.living(Kind::UserIdentity, id));
        if let Some(identity) = identity.and_then(|born| self.stock.get(born)) {
            for (field, name) in [
                ("user_identity_email_address", "email_address"),
                ("user_identity_full_name", "full_name"),
                ("user_identity_phone_number", "phone_number"),
            ] {
                fields[field] = json!(identity.text(name));
            }
        }
        if let Some(email) = object.text("email_address") {
            fields["email"] = json!(email);
        }
        fields
    }

    fn session_fields(&self, object: &Object) -> Value {
        let identities: Vec<&String> =
            object.links.iter().filter(|(role, _)| *role == Role::Identity).map(|(_, id)| id).collect();
        json!({
            "user_identifier_key": null, "user_identity_ids": identities, "connect_webview_ids": [],
            "connected_account_ids": [], "device_count": 0,
            "expires_at": stamp(self.server_ms(object.created_ms) + 365 * DAY_MS),
        })
    }

    fn grant_fields(&self, object: &Object) -> Value {
        let methods = self.living_children(&object.id, Kind::AccessMethod);
        json!({
            "access_method_ids": methods.iter().map(|method| &method.id).collect::<Vec<_>>(), "space_ids": [],
            "location_ids": [], "requested_access_methods": [], "display_name": "Access grant",
            "display_status": "Active", "name": null, "ends_at": null,
            "starts_at": stamp(self.server_ms(object.created_ms)),
        })
    }

    fn system_fields(&self, object: &Object) -> Value {
        let account = self.account_of(&object.id);
        let mut errors = object.errors.clone();
        if self.faults.is_disconnected(&object.id) {
            errors.push(json!({"error_code": "acs_system_disconnected", "created_at": stamp(self.server_ms(self.now)),
                "message": "Lost connection to the access control system."}));
        }
        json!({
            "connected_account_id": account, "connected_account_ids": [account], "image_url": "https://example.com/i.png",
            "image_alt_text": "An access control system", "is_credential_manager": false,
            "location": {"time_zone": null}, "errors": errors,
        })
    }

    fn device_fields(&self, object: &Object) -> Value {
        json!({
            "device_type": "schlage_lock", "display_name": "Lock", "custom_metadata": {}, "is_managed": true,
            "properties": {"online": true, "name": "Lock", "appearance": {"name": "Lock"},
                "model": {"display_name": "Lock", "manufacturer_display_name": "Schlage"}},
            "capabilities_supported": ["access_code", "lock"], "can_remotely_unlock": true, "can_remotely_lock": true,
            "device_manufacturer": {"manufacturer": "schlage", "display_name": "Schlage"},
            "connected_account_id": self.devices_account(), "space_ids": self.spaces_with("device_ids", &object.id),
        })
    }

    pub(super) fn living_children(&self, parent: &str, kind: Kind) -> Vec<&Object> {
        let alive = |object: &&Object| !object.is_gone();
        self.stock.children_of(parent, kind).filter_map(|born| self.stock.get(born)).filter(alive).collect()
    }

    /// The connected account of an access system: one each, its id made from the system's.
    pub(super) fn account_of(&self, acs_system_id: &str) -> String {
        uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, acs_system_id.as_bytes()).to_string()
    }
}

fn group_fields(object: &Object) -> Value {
    let (kind, shown) = ("salto_ks_access_group", "Salto KS access group");
    json!({
        "display_name": object.text("name"), "is_managed": true, "access_group_type": kind, "external_type": kind,
        "access_group_type_display_name": shown, "external_type_display_name": shown,
    })
}

fn space_fields(object: &Object) -> Value {
    json!({
        "display_name": object.text("name"), "acs_entrance_count": object.lists("acs_entrance_ids").count(),
        "device_count": object.lists("device_ids").count(),
    })
}

fn credential_fields(object: &Object) -> Value {
    let synced = object.deleting_ms.is_none();
    json!({
        "display_name": "Credential", "access_method": "mobile_key", "is_managed": true,
        "is_latest_desired_state_synced_with_provider": synced, "is_multi_phone_sync_credential": false,
    })
}

const DAY_MS: i64 = 86_400_000;

/// Kinds that show no errors and warnings.
const SILENT: [Kind; 4] = [Kind::ClientSession, Kind::InstantKey, Kind::EnrollmentAutomation, Kind::Space];

/// Kinds that show what is on its way to their access system.
const MUTABLE: [Kind; 4] = [Kind::AcsUser, Kind::AccessGrant, Kind::AccessMethod, Kind::AcsAccessGroup];
