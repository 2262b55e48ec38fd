//! Access systems, entrances, devices, and the workspace itself.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, list::found, object::Role, places::is_customers, refusal::Refusal};

impl World {
    pub(super) fn get_workspace(&mut self, _: &Args) -> Result<Value, Refusal> {
        Ok(json!({"workspace": self.shown_workspace()}))
    }

    /// A key opens one workspace.
    pub(super) fn list_workspaces(&mut self, _: &Args) -> Result<Value, Refusal> {
        Ok(json!({"workspaces": [self.shown_workspace()]}))
    }

    fn shown_workspace(&self) -> Value {
        json!({
            "workspace_id": self.workspace_id, "name": self.settings.workspace_name,
            "company_name": self.settings.workspace_name, "is_sandbox": self.settings.is_sandbox,
            "is_suspended": false, "connect_partner_name": null, "organization_id": null,
            "is_publishable_key_auth_enabled": false, "connect_webview_customization": {},
        })
    }

    pub(super) fn get_system(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsSystem, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_systems(&mut self, args: &Args) -> Result<Value, Refusal> {
        let account = args.text("connected_account_id");
        let borns = self.select(Kind::AcsSystem, &[], |system| {
            account.is_none_or(|account| self.account_of(&system.id) == account)
                && is_customers(system, args)
                && found(args, &[system.text("name"), Some(&system.id)])
        });
        Ok(self.listed(Kind::AcsSystem, &borns))
    }

    pub(super) fn get_entrance(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsEntrance, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> = args.text("acs_system_id").map(str::to_owned).into_iter().collect();
        let ids = args.texts("acs_entrance_ids");
        let opened = match args.text("acs_credential_id") {
            None => None,
            Some(_) => Some(self.doors_of_credential(args)?),
        };
        let account = |door: &Object| self.account_of(door.link(Role::AcsSystem).unwrap_or_default());
        let borns = self.select(Kind::AcsEntrance, &parents, |door| {
            ids.as_ref().is_none_or(|ids| ids.contains(&door.id.as_str()))
                && opened.as_ref().is_none_or(|opened| opened.contains(&door.id))
                && args.text("connected_account_id").is_none_or(|wanted| account(door) == wanted)
                && args
                    .text("space_id")
                    .is_none_or(|space| self.spaces_with("acs_entrance_ids", &door.id).iter().any(|id| id == space))
                && args.text("location_id").is_none()
                && is_customers(door, args)
                && found(args, &[door.text("display_name"), Some(&door.id)])
        });
        self.paged(Kind::AcsEntrance, args, &borns)
    }

    pub(super) fn list_identity_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        let Some(identity) = self.whose(Kind::AcsEntrance, args)? else {
            return Ok(self.listed(Kind::AcsEntrance, &self.select(Kind::AcsEntrance, &[], |_| true)));
        };
        let mut doors = BTreeSet::new();
        for grant in self.living_children(&identity, Kind::AccessGrant) {
            doors.extend(self.doors_of(grant));
        }
        for user in self.living_children(&identity, Kind::AcsUser) {
            doors.extend(self.opened_by(&user.id));
        }
        doors.extend(self.opened_by(&identity));
        if self.faults.doors_stay_open {
            let first = self.select(Kind::AcsEntrance, &[], |_| true).first().and_then(|born| self.stock.get(*born));
            doors.extend(first.map(|door| door.id.clone()));
        }
        Ok(self.doors(&doors))
    }

    pub(super) fn list_acs_user_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted_acs_user(args)?;
        let id = self.stock.get(born).map(|user| user.id.clone()).unwrap_or_default();
        Ok(self.doors(&self.opened_by(&id)))
    }

    pub(super) fn list_credential_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        Ok(self.doors(&self.doors_of_credential(args)?))
    }

    fn doors_of_credential(&self, args: &Args) -> Result<BTreeSet<String>, Refusal> {
        let credential = self.wanted(Kind::AcsCredential, args)?;
        let doors = self.stock.get(credential).into_iter().flat_map(|held| held.lists("allowed_acs_entrance_ids"));
        Ok(doors.map(str::to_owned).collect())
    }

    /// The doors that the credentials of an ACS user or identity open, and the access groups of an ACS user.
    fn opened_by(&self, owner: &str) -> BTreeSet<String> {
        let credentials = self.living_children(owner, Kind::AcsCredential);
        let mut doors: BTreeSet<String> =
            credentials.iter().flat_map(|held| held.lists("allowed_acs_entrance_ids")).map(str::to_owned).collect();
        let links = self.stock.by_id(owner).map(|user| user.links.as_slice()).unwrap_or_default();
        for group in links.iter().filter(|(role, _)| *role == Role::Group).filter_map(|(_, id)| self.stock.by_id(id)) {
            doors.extend(group.lists("acs_entrance_ids").map(str::to_owned));
        }
        doors
    }

    /// The doors of an access grant, also those of its spaces.
    pub(super) fn doors_of(&self, grant: &Object) -> BTreeSet<String> {
        let spaces = grant.lists("space_ids").filter_map(|id| self.stock.by_id(id));
        let inside = spaces.flat_map(|space| space.lists("acs_entrance_ids"));
        grant.lists("acs_entrance_ids").chain(inside).map(str::to_owned).collect()
    }

    pub(super) fn doors(&self, ids: &BTreeSet<String>) -> Value {
        let mut borns: Vec<u64> = ids.iter().filter_map(|id| self.stock.living(Kind::AcsEntrance, id)).collect();
        borns.sort_unstable();
        self.listed(Kind::AcsEntrance, &borns)
    }

    /// Seam sends the same list under two names.
    pub(super) fn list_identity_devices(&mut self, args: &Args) -> Result<Value, Refusal> {
        let parents: Vec<String> = self.whose(Kind::Device, args)?.into_iter().collect();
        let shown = self.shown_all(self.cut(&self.select(Kind::Device, &parents, |_| true)));
        Ok(json!({"devices": shown, "accessible_devices": shown}))
    }

    pub(super) fn grant_device(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (identity, device) = (self.identity_id(args)?, self.wanted(Kind::Device, args)?);
        let link = (Role::Identity, identity);
        if self.stock.get(device).is_some_and(|device| !device.links.contains(&link)) {
            self.stock.link(device, Role::Identity, &link.1);
            self.note(Verb::Linked, device, self.cause);
        }
        Ok(json!({}))
    }

    pub(super) fn revoke_device(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (identity, device) = (self.identity_id(args)?, self.wanted(Kind::Device, args)?);
        self.note(Verb::Unlinked, device, self.cause);
        self.stock.unlink(device, Role::Identity, &identity);
        Ok(json!({}))
    }
}

impl Object {
    /// The ids that a list field holds.
    pub(super) fn lists(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }
}
