//! Access groups: `acs/access_groups/*` and the ACS users in them.

use serde_json::{Value, json};

use super::{Kind, Object, Verb, World, args::Args, list::found, object::Role, refusal::Refusal};

impl World {
    /// A group that opens these doors. Its id is made from that of the access system: one each.
    pub(super) fn new_group(&mut self, system: &str, name: &str, doors: &[String]) -> Object {
        let id = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, system.as_bytes()).to_string();
        Object::new(Kind::AcsAccessGroup, id, self.now)
            .linked(Role::AcsSystem, system)
            .with("name", name)
            .with("acs_entrance_ids", doors)
    }

    pub(super) fn get_group(&mut self, args: &Args) -> Result<Value, Refusal> {
        let born = self.wanted(Kind::AcsAccessGroup, args)?;
        Ok(self.answer_with(born))
    }

    pub(super) fn list_groups(&mut self, args: &Args) -> Result<Value, Refusal> {
        let owner = self.owner_filter(Kind::AcsAccessGroup, args, "user_identity_id")?;
        let systems: Vec<String> = args.text("acs_system_id").map(str::to_owned).into_iter().collect();
        let members = |group: &Object| self.living_children(&group.id, Kind::AcsUser);
        let user = args.text("acs_user_id");
        let borns = self.select(Kind::AcsAccessGroup, &systems, |group| {
            user.is_none_or(|id| members(group).iter().any(|user| user.id == id))
                && owner
                    .as_ref()
                    .is_none_or(|id| members(group).iter().any(|user| user.link(Role::Identity) == Some(id)))
                && found(args, &[group.text("name"), Some(&group.id)])
        });
        Ok(self.listed(Kind::AcsAccessGroup, &borns))
    }

    pub(super) fn list_group_users(&mut self, args: &Args) -> Result<Value, Refusal> {
        let group = self.wanted(Kind::AcsAccessGroup, args)?;
        let id = self.id_of(group);
        Ok(self.listed(Kind::AcsUser, &self.select(Kind::AcsUser, &[id], |_| true)))
    }

    pub(super) fn list_group_entrances(&mut self, args: &Args) -> Result<Value, Refusal> {
        let group = self.wanted(Kind::AcsAccessGroup, args)?;
        let doors = self.stock.get(group).into_iter().flat_map(|group| group.lists("acs_entrance_ids"));
        Ok(self.doors(&doors.map(str::to_owned).collect()))
    }

    pub(super) fn delete_group(&mut self, args: &Args) -> Result<Value, Refusal> {
        self.delete(Kind::AcsAccessGroup, args)
    }

    /// Repeating it changes nothing.
    pub(super) fn join_group(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (group, user) = self.member(args)?;
        let link = (Role::Group, self.id_of(group));
        let Some(object) = self.stock.get(user) else { return Err(self.missing(Kind::AcsUser)) };
        if object.link(Role::AcsSystem) != self.stock.get(group).and_then(|group| group.link(Role::AcsSystem)) {
            return Err(Refusal::invalid("The ACS user and the access group are in different access systems"));
        }
        if !object.links.contains(&link) {
            self.stock.link(user, Role::Group, &link.1);
            self.note(Verb::Changed, user, self.cause);
        }
        Ok(json!({}))
    }

    pub(super) fn leave_group(&mut self, args: &Args) -> Result<Value, Refusal> {
        let (group, user) = self.member(args)?;
        let group = self.id_of(group);
        self.stock.unlink(user, Role::Group, &group);
        self.note(Verb::Changed, user, self.cause);
        Ok(json!({}))
    }

    /// The group, and the ACS user that the request names by its id or by its identity.
    fn member(&self, args: &Args) -> Result<(u64, u64), Refusal> {
        let group = self.wanted(Kind::AcsAccessGroup, args)?;
        if args.has("acs_user_id") {
            return Ok((group, self.wanted(Kind::AcsUser, args)?));
        }
        let identity = self.identity_id(args)?;
        let system = self.stock.get(group).and_then(|group| group.link(Role::AcsSystem)).unwrap_or_default();
        let user = self.acs_user_in(&identity, system).ok_or_else(|| self.missing(Kind::AcsUser))?;
        Ok((group, user))
    }

    /// Checks that these groups exist in that access system.
    pub(super) fn groups_in(&self, system: &str, ids: &[&str]) -> Result<(), Refusal> {
        for id in ids {
            let group = self.named(Kind::AcsAccessGroup, id)?;
            if self.stock.get(group).and_then(|group| group.link(Role::AcsSystem)) != Some(system) {
                return Err(Refusal::invalid("An access group is in another access system"));
            }
        }
        Ok(())
    }
}
