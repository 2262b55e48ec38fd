//! What happens later, by itself.

use serde_json::Value;

use super::{Cause, Object, Verb, World, object::Role};
use crate::sandbox::Request;

/// Work that is due at some time.
pub(super) enum Task {
    /// A delete comes to its end.
    End(u64, Cause),
    /// The access system refuses a delete.
    Refuse(u64, Cause),
    /// An ACS user arrives in its access system.
    Arrive(u64),
    /// A field takes its new value and its pending mutation ends.
    Settle { born: u64, field: &'static str, value: Value, mutation: &'static str },
    /// A request whose connection died long ago takes effect.
    Land(u64, Box<Request>),
    /// A refused delete is taken up again.
    Heal(u64, Cause),
    /// What a living grant wants is made anew.
    Renew(Box<Object>),
    /// A deleted object comes back.
    Return { object: Box<Object>, orphans: bool },
}

impl World {
    pub(super) fn later(&mut self, delay_ms: u64, task: Task) {
        self.tasks_made += 1;
        self.tasks.insert((self.now.saturating_add_unsigned(delay_ms), self.tasks_made), task);
    }

    pub(super) fn perform(&mut self, task: Task) {
        match task {
            Task::End(born, cause) => self.end(born, cause),
            Task::Refuse(born, cause) => self.refuse_delete(born, cause),
            Task::Arrive(born) => self.arrive(born),
            Task::Settle { born, field, value, mutation } => {
                if let Some(object) = self.stock.get_mut(born) {
                    object.fields.insert(field.to_owned(), value);
                    object.clear_pending(mutation);
                }
            }
            Task::Land(seq, request) => {
                self.cause = Cause::Request(seq);
                drop(self.answer(seq, &request));
                self.cause = Cause::Scene;
            }
            Task::Heal(born, cause) => self.heal(born, cause),
            Task::Renew(object) => self.renew(&object),
            Task::Return { object, orphans } => self.come_back(*object, orphans),
        }
    }

    /// The end of an ACS user's creation: in its access system, with an event, or refused by it.
    fn arrive(&mut self, born: u64) {
        let fails = self.settings.creates_fail;
        let now = self.server_ms(self.now);
        let Some(object) = self.stock.get_mut(born) else { return };
        if object.is_gone() {
            return;
        }
        object.clear_pending("creating");
        if fails {
            object.set_error("failed_to_create_on_acs_system", "The access system refused the user.", now);
            return;
        }
        let object = object.clone();
        self.tell("acs_user.created", &object);
    }

    /// A deleted object is there again. Without its identity, ACS user or grant it only comes back if it may be an orphan;
    /// whoever outlived their identity and was nobody's since is one.
    pub(super) fn come_back(&mut self, mut object: Object, orphans: bool) {
        let owned = object.link(Role::Identity).is_some();
        let homeless = object.links.iter().any(|(role, id)| match role {
            Role::Identity | Role::AcsUser | Role::Grant => {
                self.stock.by_id(id).is_none_or(|parent| parent.deleting_ms.is_some() || parent.is_gone())
            }
            Role::Former => !owned,
            _ => false,
        });
        if homeless && !orphans {
            return;
        }
        object.created_ms = self.now;
        self.stock_up(object, Verb::Created, Cause::Reappearance);
    }
}
