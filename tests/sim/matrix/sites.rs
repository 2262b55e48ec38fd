//! Every place at which an endpoint is used: whose call it is, which of its requests, and the setting in which it comes.

use backstitch::{
    job::{AcsLink, Act, Kind, Person, Priority, Unlisted},
    sandbox::{Person as ScenePerson, Settings, World},
};

use super::{answers::Whose, rules::Sort};
use crate::{
    orders::{by_email, by_id, off, on, update, with},
    rig::Rig,
    scenes::{scene, scene_in},
};

/// Who is ordered in or away.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Setting {
    Leave,
    LeaveByEmail,
    LeaveUrgent,
    /// The access system takes its time.
    SlowLeave,
    /// Doors first, and a lock that opens directly.
    LeaveCut,
    /// One link comes, one goes, and the name changes.
    Move,
    Join(Link),
    /// Somebody else has the e-mail.
    JoinTaken,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Link {
    ById,
    InSystem,
    Create,
}

/// One use of one endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub whose: Whose,
    /// The path, and which of the call's requests to it.
    pub path: (&'static str, u32),
    /// The 404 type of this endpoint's own objects.
    pub own: &'static str,
    pub sort: Sort,
    pub setting: Setting,
}

const MAIL: &str = "jean@example.com";

/// Kind, step, list, get, delete, 404 type, what a list by the identity shows of its owner.
type Swept = (Kind, &'static str, &'static str, &'static str, &'static str, &'static str, Sort);
#[rustfmt::skip]
const SWEPT: &[Swept] = &[
    (Kind::AcsUser, "acs_users", "acs/users/list", "acs/users/get", "acs/users/delete", "acs_user_not_found", Sort::ListAmongOthers),
    (Kind::ClientSession, "client_sessions", "client_sessions/list", "client_sessions/get", "client_sessions/delete", "client_session_not_found", Sort::List),
    (Kind::InstantKey, "instant_keys", "instant_keys/list", "instant_keys/get", "instant_keys/delete", "instant_key_not_found", Sort::List),
    (Kind::AccessGrant, "access_grants", "access_grants/list", "access_grants/get", "access_grants/delete", "access_grant_not_found", Sort::List),
    (Kind::AcsCredential, "credentials", "acs/credentials/list", "acs/credentials/get", "acs/credentials/delete", "acs_credential_not_found", Sort::ListAmongOthers),
    (Kind::EnrollmentAutomation, "enrollment_automations", "user_identities/enrollment_automations/list", "user_identities/enrollment_automations/get",
     "user_identities/enrollment_automations/delete", "enrollment_automation_not_found", Sort::OptionalList),
];
#[rustfmt::skip]
const PHONE: Swept =
    (Kind::Phone, "phones", "phones/list", "phones/get", "phones/deactivate", "device_not_found", Sort::OwnerlessList);

fn job(step: &'static str, act: Act, kind: Kind) -> Whose {
    Whose::Job(step, act, Some(kind))
}

/// All uses of all endpoints.
pub fn all() -> Vec<Site> {
    let mut sites = Vec::new();
    let mut add = |setting, whose, path, own, sort| sites.push(Site { whose, path, own, sort, setting });
    let (leave, identity, gone) = (Setting::Leave, Kind::UserIdentity, "user_identity_not_found");
    add(leave, job("find", Act::GetIdentity, identity), ("user_identities/get", 0), gone, Sort::Find);
    let search = ("user_identities/list", 0);
    add(Setting::LeaveByEmail, job("find", Act::SearchIdentities, identity), search, gone, Sort::FindSearch);
    for (kind, step, list, get, delete, own, sort) in SWEPT.iter().copied().chain([PHONE]) {
        // The first request to the list of phones is the canary.
        let first = u32::from(kind == Kind::Phone);
        let optional = kind == Kind::EnrollmentAutomation;
        add(leave, job("inventory", Act::Look, kind), (list, first), own, sort);
        add(leave, job(step, Act::Delete, kind), (delete, 0), own, Sort::Delete);
        let (empty, dead) =
            if optional { (Sort::OptionalEmptyList, Sort::OptionalGet) } else { (Sort::EmptyList, Sort::VerifyGet) };
        add(leave, job(step, Act::Look, kind), (list, 0), own, empty);
        add(leave, job("verify", Act::Look, kind), (get, 0), own, dead);
    }
    // Methods are named by their grants, and go with them; one that stays is deleted as everything else is.
    let method = |step, act| job(step, act, Kind::AccessMethod);
    let (get, own) = ("access_methods/get", "access_method_not_found");
    add(leave, method("verify", Act::Look), (get, 0), own, Sort::VerifyGet);
    // Lists that are a witness by themselves are asked for a random owner first.
    let linked = "user_identities/list_acs_users";
    add(leave, job("inventory", Act::Look, Kind::AcsUser), (linked, 0), "acs_user_not_found", Sort::Canary);
    add(leave, job("inventory", Act::Look, Kind::AcsUser), (linked, 1), "acs_user_not_found", Sort::ListAmongOthers);
    let of_acs_user = ("acs/credentials/list", 1);
    add(
        leave,
        job("inventory", Act::Look, Kind::AcsCredential),
        of_acs_user,
        "acs_user_not_found",
        Sort::ListOfAcsUser,
    );
    add(leave, job("inventory", Act::Look, Kind::Phone), ("phones/list", 0), "device_not_found", Sort::Canary);
    // The inventory ends with a good look at the identity: behind the list of phones, or by itself where that did not wait for the others.
    let phones = job("inventory", Act::Look, Kind::Phone);
    add(leave, phones, ("user_identities/get", 0), gone, Sort::Owner);
    for (setting, step) in [(Setting::LeaveUrgent, "inventory"), (leave, "confirm_empty")] {
        add(setting, job(step, Act::GetIdentity, identity), ("user_identities/get", 0), gone, Sort::Reread);
    }
    let devices = "user_identities/list_accessible_devices";
    add(leave, job("inventory", Act::Look, Kind::Device), (devices, 0), "device_not_found", Sort::Canary);
    add(leave, job("inventory", Act::Look, Kind::Device), (devices, 1), "device_not_found", Sort::EmptyList);
    add(
        Setting::LeaveCut,
        job("inventory", Act::Look, Kind::Device),
        (devices, 1),
        "device_not_found",
        Sort::OwnerlessList,
    );
    add(leave, job("confirm_empty", Act::Look, Kind::Device), (devices, 0), "device_not_found", Sort::EmptyList);
    let revoke = "user_identities/revoke_access_to_device";
    let device = job("device_access", Act::Delete, Kind::Device);
    add(Setting::LeaveCut, device, (revoke, 0), "device_not_found", Sort::RevokeDevice);
    let suspend = job("cut", Act::Suspend, Kind::AcsUser);
    add(Setting::LeaveCut, suspend, ("acs/users/suspend", 0), "acs_user_not_found", Sort::Suspend);
    let revoke = job("cut", Act::Revoke, Kind::ClientSession);
    add(Setting::LeaveCut, revoke, ("client_sessions/revoke", 0), "client_session_not_found", Sort::Revoke);
    let entrances = "user_identities/list_accessible_entrances";
    let entrance = job("confirm_empty", Act::Look, Kind::AcsEntrance);
    add(leave, entrance, (entrances, 0), "acs_entrance_not_found", Sort::Canary);
    add(leave, entrance, (entrances, 1), "acs_entrance_not_found", Sort::EmptyList);
    add(leave, job("user_identity", Act::Delete, identity), ("user_identities/delete", 0), gone, Sort::DeleteIdentity);
    // By its id and by its key, and read back by its id.
    for (step, nth) in [("user_identity", 0), ("user_identity", 1), ("verify", 0)] {
        add(leave, job(step, Act::Look, identity), ("user_identities/get", nth), gone, Sort::Absence);
    }
    let system = Whose::Job("credentials", Act::GetAcsSystem, None);
    add(Setting::SlowLeave, system, ("acs/systems/get", 0), "acs_system_not_found", Sort::System);
    joining(&mut add);
    moving(&mut add);
    add(leave, Whose::Probe, ("workspaces/get", 0), "workspace_not_found", Sort::Probe);
    add(leave, Whose::Feed, ("events/list", 0), "event_not_found", Sort::Feed);
    sites
}

fn joining(add: &mut impl FnMut(Setting, Whose, (&'static str, u32), &'static str, Sort)) {
    let (identity, gone) = (Kind::UserIdentity, "user_identity_not_found");
    let own = "acs_user_not_found";
    let (by_id, in_system, create) =
        (Setting::Join(Link::ById), Setting::Join(Link::InSystem), Setting::Join(Link::Create));
    let made = |act| job("user_identity", act, identity);
    let link = |act| job("acs_users", act, Kind::AcsUser);
    add(by_id, made(Act::GetIdentity), ("user_identities/get", 0), gone, Sort::EnsureGet);
    add(by_id, made(Act::CreateIdentity), ("user_identities/create", 0), gone, Sort::Create);
    let taken = Setting::JoinTaken;
    add(taken, made(Act::SearchIdentities), ("user_identities/list", 0), gone, Sort::EnsureSearch);
    add(by_id, link(Act::GetAcsUser), ("acs/users/get", 0), own, Sort::LinkGet);
    add(by_id, link(Act::AddAcsUser), ("user_identities/add_acs_user", 0), own, Sort::Add);
    add(in_system, link(Act::SearchAcsUsers), ("acs/users/list", 0), own, Sort::LinkSearch);
    add(create, link(Act::Look), ("acs/users/list", 0), own, Sort::LinkLook);
    add(create, link(Act::CreateAcsUser), ("acs/users/create", 0), own, Sort::CreateAcsUser);
    add(by_id, job("verify", Act::GetIdentity, identity), ("user_identities/get", 0), gone, Sort::VerifyLinked);
}

fn moving(add: &mut impl FnMut(Setting, Whose, (&'static str, u32), &'static str, Sort)) {
    let (identity, gone, own) = (Kind::UserIdentity, "user_identity_not_found", "acs_user_not_found");
    let (linked, unlink) = ("user_identities/list_acs_users", "user_identities/remove_acs_user");
    add(Setting::Move, job("find", Act::GetIdentity, identity), ("user_identities/get", 0), gone, Sort::MoveFind);
    add(Setting::Move, job("links", Act::Look, Kind::AcsUser), (linked, 1), own, Sort::MoveList);
    add(Setting::Move, job("unlink", Act::RemoveAcsUser, Kind::AcsUser), (unlink, 0), own, Sort::Remove);
    let change = job("user_identity", Act::UpdateIdentity, identity);
    add(Setting::Move, change, ("user_identities/update", 0), gone, Sort::Update);
    add(Setting::Move, job("verify", Act::GetIdentity, identity), ("user_identities/get", 0), gone, Sort::MoveVerify);
}

/// The rig with the order of the setting in its inbox.
pub async fn stage(setting: Setting) -> Rig {
    let mut scene = match setting {
        Setting::SlowLeave => scene_in(Settings { delete_delay_ms: (40_000, 40_000), ..Settings::default() }),
        _ => scene(),
    };
    let row = match setting {
        Setting::Leave | Setting::SlowLeave => off("job", by_id(&scene.id)),
        Setting::LeaveCut => {
            scene.world.add_device(&[&scene.id]);
            with(off("job", by_id(&scene.id)), |order| order.cut_first = Some(true))
        }
        Setting::Move => {
            let acs_user_id = scene.world.seed_jean_doe().acs_user_ids.remove(0);
            let row = update("job", by_id(&scene.id), vec![AcsLink::ById { acs_user_id }]);
            with(row, |order| {
                order.full_name = Some("Ann Other".into());
                order.unlisted_acs_users = Some(Unlisted::Remove);
            })
        }
        Setting::LeaveUrgent => with(off("job", by_id(&scene.id)), |order| order.priority = Priority::Urgent),
        Setting::LeaveByEmail => off("job", by_email("ann@example.com")),
        Setting::Join(link) => on("job", jean_doe(), vec![link_of(link, &mut scene.world)]),
        Setting::JoinTaken => {
            scene.world.create_person(&ScenePerson { key: Some("jd"), email: Some(MAIL), ..ScenePerson::default() });
            on("job", jean_doe(), vec![])
        }
    };
    let mut rig = Rig::new(1, scene.world).await;
    // The workspace is pinned before anything is meddled with.
    while rig.engine().halted().is_some() {
        rig.step().await;
    }
    rig.crash().await;
    rig.submit(vec![row]);
    rig
}

fn jean_doe() -> Person {
    Person { user_identity_key: Some("jean_doe".into()), ..by_email(MAIL) }
}

fn link_of(link: Link, world: &mut World) -> AcsLink {
    let acs_user_id = world.seed_jean_doe().acs_user_ids.remove(0);
    let systems = world.acs_systems();
    match link {
        Link::ById => AcsLink::ById { acs_user_id },
        Link::InSystem => AcsLink::InSystem {
            acs_system_id: systems[0].clone(),
            email_address: Some(MAIL.into()),
            phone_number: None,
        },
        Link::Create => AcsLink::Create {
            acs_system_id: systems[2].clone(),
            full_name: "Jean Doe".into(),
            email_address: Some(MAIL.into()),
            phone_number: None,
        },
    }
}
