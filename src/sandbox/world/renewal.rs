//! What Seam may do by itself: take up a refused delete again, and make anew what a grant wants.

use super::{Cause, Kind, Object, World, object::Role, tasks::Task};

impl World {
    /// Seam takes a refused delete up again, unless somebody else has.
    pub(super) fn heal(&mut self, born: u64, cause: Cause) {
        let now = self.now;
        let Some(object) = self.stock.get_mut(born) else { return };
        if object.is_gone() || object.deleting_ms.is_some() {
            return;
        }
        object.deleting_ms = Some(now);
        object.clear_error("failed_to_delete_on_acs_system");
        self.end(born, cause);
    }

    /// Where grants reprovision: what a living grant had made is made anew some time after it is gone.
    pub(super) fn plan_renewal(&mut self, object: &Object) {
        if self.settings.grants_reprovision && self.granted_to(object).is_some() {
            let delay_ms = self.draw_ms(self.settings.create_delay_ms);
            self.later(delay_ms, Task::Renew(Box::new(object.clone())));
        }
    }

    /// The living identity whose living grant of doors in the same access system wants an ACS user or credential there.
    fn granted_to(&self, object: &Object) -> Option<String> {
        let system = object.link(Role::AcsSystem)?;
        if !matches!(object.kind, Kind::AcsUser | Kind::AcsCredential) {
            return None;
        }
        let well = |object: &Object| object.deleting_ms.is_none() && !object.is_gone();
        let wants = |grant: &&Object| {
            well(grant)
                && self
                    .doors_of(grant)
                    .iter()
                    .any(|door| self.stock.by_id(door).is_some_and(|door| door.link(Role::AcsSystem) == Some(system)))
        };
        self.owners(object).into_iter().find(|owner| {
            self.stock.by_id(owner).is_some_and(well)
                && self.living_children(owner, Kind::AccessGrant).iter().any(wants)
        })
    }

    /// Makes it anew under another id, if the grant still wants it and nobody else has made it.
    pub(super) fn renew(&mut self, object: &Object) {
        let Some(identity) = self.granted_to(object) else { return };
        let system = object.link(Role::AcsSystem).unwrap_or_default();
        if object.kind == Kind::AcsUser && self.acs_user_in(&identity, system).is_some() {
            return;
        }
        let id = self.new_id();
        let next = Object { deleting_ms: None, overdue: false, gone_ms: None, id, ..object.clone() };
        self.come_back(next, false);
    }
}
