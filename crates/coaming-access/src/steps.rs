//! Who can get a Secret in further steps: by acting as a subject that can read it, by the pods that
//! have it or a token of such a subject, or by a right to change rights.
//!
//! The subjects that can get it are a fixed point: a subject that can act as one of them is one, too. A
//! step may need several requests; only a subject that is allowed all of them can take it.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use coaming_kube::{Fields as _, Workload};

use crate::answer::{DirectAccess, IndirectAccess};
use crate::danger::{EXEC, PODS, RBAC, REPLACE, Requests, requests};
use crate::stores::{Deed, Stores};
use crate::who_can::{Query, READING, has_token};
use crate::{Allowed, Binding, FieldRef, Request, RoleName, Subject};

const CERTIFICATES: &str = "certificates.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";
const WRITE: &[&str] = &["create", "update", "patch"];

/// The group that may do everything, without a binding.
const MASTERS: Subject<'static> = Subject::Group("system:masters");
/// A user that every cluster has, and that can read every Secret.
const MANAGER: Subject<'static> = Subject::User("system:kube-controller-manager");

/// One way to a Secret.
struct Step<'s> {
    /// What is shown.
    request: Request<'s>,
    /// Whether an object of any name will do.
    any_name: bool,
    /// What else is needed: of each group, one request, for an object of some name.
    also: Vec<Vec<Request<'s>>>,
    /// The binding that the subject must belong to.
    member_of: Option<&'s Binding>,
    how: Rc<str>,
}

impl<'s> Step<'s> {
    fn new(request: Request<'s>, how: &Rc<str>) -> Self {
        let how = Rc::clone(how);
        Self { request, any_name: false, also: Vec::new(), member_of: None, how }
    }

    fn with(mut self, alternatives: Vec<Request<'s>>) -> Self {
        self.also.push(alternatives);
        self
    }
}

/// A pod of the input, as far as it leads to a Secret.
struct PodUse<'a> {
    namespace: &'a str,
    /// The name of its object if it is a pod itself: those of controllers have other names.
    name: Option<&'a str>,
    node: Option<&'a str>,
    account: Option<&'a str>,
    has_secret: bool,
}

/// Finds the steps to one Secret.
pub(crate) struct Steps<'q, 'a> {
    query: &'q Query<'q, 'a>,
    pods: Vec<PodUse<'a>>,
    workloads: Vec<(&'static str, &'a str, &'a str)>,
    /// The namespaces that anything is in.
    namespaces: BTreeSet<&'a str>,
    /// What controllers have to do with the Secret.
    stores: Stores<'a>,
}

type Holders<'a> = Vec<(Subject<'a>, Allowed<'a>, FieldRef)>;

/// Who is allowed each request, of an object of any name or not: many steps need the same ones.
type Cache<'s, 'a> = BTreeMap<(Request<'s>, bool), Rc<Holders<'a>>>;

impl<'q, 'a> Steps<'q, 'a> {
    pub(crate) fn new(query: &'q Query<'q, 'a>) -> Self {
        let world = query.world;
        let pods: Vec<PodUse<'a>> =
            world.workloads().map(|workload| pod_use(query, workload)).collect();
        let resources = |kind: &str| {
            let plural = format!("{}s", kind.to_ascii_lowercase());
            PODS.iter().map(|(_, resource, ..)| *resource).find(|resource| *resource == plural)
        };
        let workloads = world.workloads().filter_map(|workload| {
            let object = workload.object;
            Some((resources(object.kind())?, object.namespace_or_default(), object.name()))
        });
        let accounts = world.of_kind("ServiceAccount").map(|it| it.namespace_or_default());
        let mut namespaces: BTreeSet<&'a str> =
            accounts.chain(pods.iter().map(|pod| pod.namespace)).collect();
        for binding in query.access.bindings() {
            namespaces.extend(binding.namespace.as_deref());
            let accounts = binding.subjects().filter_map(|(subject, _)| subject.accounts());
            namespaces.extend(accounts.map(|(namespace, _)| namespace));
        }
        namespaces.extend(world.of_kind("Namespace").map(|namespace| namespace.name()));
        let stores = Stores::of(world, query.namespace, query.name, &namespaces);
        Self { workloads: workloads.collect(), pods, namespaces, stores, query }
    }

    /// The subjects that cannot read the Secret, but can get it in further steps.
    pub(crate) fn indirect(&self, direct: &[DirectAccess<'a>]) -> Vec<IndirectAccess<'a>> {
        let readers: BTreeSet<Subject<'a>> = direct.iter().map(|access| access.subject).collect();
        let mut found: BTreeMap<(Subject<'a>, Rc<str>), IndirectAccess<'a>> = BTreeMap::new();
        let mut known = readers.clone();
        let mut fresh: Vec<Subject<'a>> = readers.iter().copied().collect();
        let mut cache = Cache::new();
        let mut steps = self.without_subject();
        for always in [MASTERS, MANAGER] {
            if !readers.contains(&always) {
                steps.extend(self.as_subject(always, "can read every Secret"));
            }
        }
        loop {
            for &subject in &fresh {
                let verb = if readers.contains(&subject) { "can read it" } else { "can get it" };
                steps.extend(self.as_subject(subject, verb));
            }
            fresh.clear();
            for step in steps.drain(..) {
                for (subject, allowed, field) in self.takers(&step, &mut cache) {
                    let is_reader = readers.iter().any(|reader| reader.includes(subject));
                    let key = (subject, Rc::clone(&step.how));
                    if is_reader || found.contains_key(&key) {
                        continue;
                    }
                    let Some(grant) = self.query.grant(&allowed, field) else { continue };
                    let (allowed, how) = (step.request.to_string(), step.how.to_string());
                    found.insert(key, IndirectAccess { subject, allowed, how, grant });
                    if known.insert(subject) {
                        fresh.push(subject);
                    }
                }
            }
            if fresh.is_empty() {
                break;
            }
        }
        found.into_values().collect()
    }

    /// The subjects of bindings that can take a step.
    fn takers<'s>(&self, step: &Step<'s>, cache: &mut Cache<'s, 'a>) -> Holders<'a> {
        let holders = self.holders(step.request, step.any_name, cache);
        if holders.is_empty() {
            return Vec::new();
        }
        let mut takers = (*holders).clone();
        if let Some(binding) = step.member_of {
            takers.retain(|(subject, ..)| {
                binding.subjects().any(|(member, _)| member.includes(*subject))
            });
        }
        for alternatives in &step.also {
            if takers.is_empty() {
                break;
            }
            let mut others: BTreeSet<Subject<'a>> = BTreeSet::new();
            for request in alternatives {
                let is_some = request.name.is_none() && request.verb != "create";
                let holders = self.holders(*request, is_some, cache);
                others.extend(holders.iter().map(|(subject, ..)| *subject));
            }
            // A member of a group has what the group has; the more specific one takes the step.
            let specific: Vec<_> = takers
                .iter()
                .flat_map(|(own, allowed, field)| {
                    let both = others.iter().filter_map(move |other| {
                        let own = *own;
                        let narrow = if other.includes(own) { Some(own) } else { None };
                        narrow.or_else(|| own.includes(*other).then_some(*other))
                    });
                    both.map(move |subject| (subject, *allowed, *field))
                })
                .collect();
            takers = specific;
        }
        takers
    }

    fn holders<'s>(
        &self,
        request: Request<'s>,
        any_name: bool,
        cache: &mut Cache<'s, 'a>,
    ) -> Rc<Holders<'a>> {
        let holders = || {
            let access = self.query.access;
            let allowed =
                if any_name { access.allowing_some(&request) } else { access.allowing(&request) };
            let subjects = allowed.into_iter().flat_map(|allowed| {
                allowed.binding.subjects().map(move |(subject, field)| (subject, allowed, field))
            });
            Rc::new(subjects.collect())
        };
        Rc::clone(cache.entry((request, any_name)).or_insert_with(holders))
    }

    /// The steps that need no other subject.
    fn without_subject(&self) -> Vec<Step<'_>> {
        let namespace = self.query.namespace;
        let mut steps = Vec::new();
        let mounts = format!("can start a pod in {namespace} that mounts it").into();
        steps.extend(self.starts(namespace, &mounts));
        steps.extend(self.enters(|pod| pod.has_secret, "the containers that have it"));
        steps.extend(self.grants());
        for resource in ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"] {
            let how = "can have the API server send it every Secret that is written".into();
            steps.extend(WRITE.iter().map(|&verb| {
                let request = on(verb, ADMISSION, resource, "", None, None);
                // A webhook that exists can be pointed to another server.
                Step { any_name: verb != "create", ..Step::new(request, &how) }
            }));
        }
        steps.extend(self.certificates());
        steps.extend(self.copies());
        steps
    }

    /// The ways to what controllers write: Secrets with the same value, and objects that have it
    /// copied to a namespace where the subject can read Secrets or start pods.
    fn copies(&self) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        for copy in &self.stores.copies {
            let how =
                format!("can read {}/{}, which has the same value", copy.namespace, copy.name);
            let how = how.into();
            steps.extend(
                READING.iter().map(|verb| {
                    Step::new(Request::on_secret(verb, copy.namespace, copy.name), &how)
                }),
            );
        }
        for copying in &self.stores.copying {
            for &namespace in &copying.namespaces {
                let place = Some(namespace);
                let deed = match copying.deed {
                    Deed::Copies => "copy it to",
                    Deed::Issues => "issue another credential like it to",
                };
                let how = format!("can have {} {deed} a Secret in {namespace}", copying.by).into();
                let read =
                    ["get", "list", "watch"].map(|verb| on(verb, "", "secrets", "", place, None));
                let start = requests(PODS).filter(|request| request.verb == "create");
                let start = start.map(|request| Request { namespace: place, ..request });
                let uses: Vec<Request<'_>> = read.into_iter().chain(start).collect();
                steps.extend(WRITE.iter().map(|&verb| {
                    let request = on(verb, copying.group, copying.resource, "", place, None);
                    let step = Step::new(request, &how).with(uses.clone());
                    Step { any_name: verb != "create", ..step }
                }));
            }
        }
        steps.extend(self.pushes());
        steps
    }

    /// The ways to have External Secrets send the Secret to a server that the subject names.
    fn pushes(&self) -> Vec<Step<'_>> {
        let Some([(group, resource), (store_group, store)]) = self.stores.pushing else {
            return Vec::new();
        };
        let place = Some(self.query.namespace);
        let how = "can have External Secrets send it to a store of their own".into();
        let stores: Vec<Request<'_>> =
            WRITE.iter().map(|verb| on(verb, store_group, store, "", place, None)).collect();
        let steps = WRITE.iter().map(|&verb| {
            let request = on(verb, group, resource, "", place, None);
            let step = Step::new(request, &how).with(stores.clone());
            Step { any_name: verb != "create", ..step }
        });
        steps.collect()
    }

    /// The ways to start a pod in a namespace, or to change the template of one.
    fn starts<'s>(&'s self, namespace: &'s str, how: &Rc<str>) -> Vec<Step<'s>> {
        let mut steps = Vec::new();
        for request in requests(PODS) {
            let request = Request { namespace: Some(namespace), ..request };
            steps.push(Step::new(request, how));
            if request.verb == "create" {
                continue;
            }
            let existing = self
                .workloads
                .iter()
                .filter(|(resource, own, _)| *resource == request.resource && *own == namespace);
            steps.extend(
                existing.map(|(.., name)| Step::new(Request { name: Some(name), ..request }, how)),
            );
        }
        steps
    }

    /// The ways into pods of the input.
    fn enters(&self, counts: impl Fn(&PodUse<'a>) -> bool, what: &str) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        let (mut places, mut nodes) = (BTreeSet::new(), BTreeSet::new());
        for pod in self.pods.iter().filter(|pod| counts(pod)) {
            places.insert((pod.namespace, pod.name));
            nodes.insert(pod.node);
        }
        let into: fn(&'static [Requests]) -> Vec<Request<'static>> =
            |table| requests(table).filter(|request| request.resource != "nodes").collect();
        let exec: Rc<str> = format!("can read it in {what}").into();
        let replace: Rc<str> = format!("can replace {what}").into();
        for &(namespace, name) in &places {
            let namespace = Some(namespace);
            for (table, how) in [(EXEC, &exec), (REPLACE, &replace)] {
                steps.extend(
                    into(table)
                        .into_iter()
                        .map(|request| Step::new(Request { namespace, name, ..request }, how)),
                );
            }
        }
        for &name in &nodes {
            let of_nodes = requests(EXEC).filter(|request| request.resource == "nodes");
            steps.extend(of_nodes.map(|request| Step::new(Request { name, ..request }, &exec)));
        }
        steps
    }

    /// The ways to a right to read the Secret: a new or changed binding, a changed role.
    fn grants(&self) -> Vec<Step<'_>> {
        let (namespace, access) = (self.query.namespace, self.query.access);
        let here = Some(namespace);
        let how: Rc<str> =
            format!("can give itself the right to read Secrets in {namespace}").into();
        let mut steps = Vec::new();
        let bindings = |scope: Option<&'static str>| match scope {
            Some(_) => ("rolebindings", here),
            None => ("clusterrolebindings", None),
        };
        let readers: BTreeSet<&RoleName> = access
            .roles()
            .filter(|(name, _)| name.namespace.as_deref().is_none_or(|own| own == namespace))
            .filter(|(_, role)| {
                READING.iter().any(|verb| {
                    let request = Request::on_secret(verb, namespace, self.query.name);
                    role.allowing(&request).is_some()
                })
            })
            .map(|(name, _)| name)
            .collect();
        for name in readers {
            let scopes: &[Option<&'static str>] =
                if name.namespace.is_some() { &[Some("")] } else { &[Some(""), None] };
            for &scope in scopes {
                let (resource, place) = bindings(scope);
                let mut writes = vec![on("create", RBAC, resource, "", place, None)];
                // A binding keeps its role; subjects can be added to it.
                for binding in access.bindings_of(name) {
                    let is_here = binding.namespace.as_deref() == place;
                    let object = self.query.world.object(binding.object).filter(|_| is_here);
                    writes.extend(object.into_iter().flat_map(|object| {
                        ["update", "patch"]
                            .map(|verb| on(verb, RBAC, resource, "", place, Some(object.name())))
                    }));
                }
                let bind = on("bind", RBAC, resource_of(name), "", place, Some(&name.name));
                steps.push(Step::new(bind, &how).with(writes));
            }
        }
        // A role that the subject already has can get more rules.
        for binding in access.bindings().filter(|binding| binding.counts_in(here)) {
            let (role, name) = (resource_of(&binding.role), Some(&*binding.role.name));
            let place = here.filter(|_| binding.role.namespace.is_some());
            let writes = ["update", "patch"].map(|verb| on(verb, RBAC, role, "", place, name));
            let escalate = on("escalate", RBAC, role, "", place, name);
            let step = Step::new(escalate, &how).with(writes.to_vec());
            steps.push(Step { member_of: Some(binding), ..step });
        }
        // A new role, and a binding of it.
        for (role, place, binding, scope) in [
            ("roles", here, "rolebindings", here),
            ("clusterroles", None, "rolebindings", here),
            ("clusterroles", None, "clusterrolebindings", None),
        ] {
            let step = Step::new(on("escalate", RBAC, role, "", place, None), &how)
                .with(vec![on("create", RBAC, role, "", place, None)])
                .with(vec![on("bind", RBAC, role, "", scope, None)])
                .with(vec![on("create", RBAC, binding, "", scope, None)]);
            steps.push(step);
        }
        steps
    }

    /// A certificate for any user.
    fn certificates(&self) -> Vec<Step<'_>> {
        const SIGNER: &str = "kubernetes.io/kube-apiserver-client";
        const RESOURCE: &str = "certificatesigningrequests";
        let approve = |name| on("approve", CERTIFICATES, "signers", "", None, Some(name));
        let approval = ["update", "patch"]
            .map(|verb| on(verb, CERTIFICATES, RESOURCE, "approval", None, None))
            .to_vec();
        let how = "can approve a certificate of a user that can read every Secret".into();
        let step = Step::new(approve(SIGNER), &how).with(approval).with(vec![on(
            "create",
            CERTIFICATES,
            RESOURCE,
            "",
            None,
            None,
        )]);
        vec![step]
    }

    /// The ways to act as a subject.
    fn as_subject<'s>(&'s self, subject: Subject<'s>, verb: &str) -> Vec<Step<'s>> {
        let how: Rc<str> = format!("can act as {subject}, which {verb}").into();
        let mut steps = Vec::new();
        match subject {
            Subject::User(name) => {
                let request = on("impersonate", "", "users", "", None, Some(name));
                steps.push(Step::new(request, &how));
            }
            Subject::Group(name) => {
                let request = on("impersonate", "", "groups", "", None, Some(name));
                steps.push(Step::new(request, &how).with(self.impersonations()));
            }
            Subject::ServiceAccount { namespace, name } => {
                steps.extend(self.as_account(namespace, Some(name), &how));
            }
        }
        match subject {
            Subject::Group("system:serviceaccounts" | "system:authenticated") => {
                let all = self.namespaces.iter();
                steps.extend(all.flat_map(|namespace| self.as_account(namespace, None, &how)));
            }
            Subject::Group(_) => {
                let accounts = subject.accounts();
                steps.extend(
                    accounts.into_iter().flat_map(|(own, _)| self.as_account(own, None, &how)),
                );
            }
            _ => {}
        }
        let has_token = |pod: &PodUse<'a>| {
            pod.account.is_some_and(|account| subject.covers(pod.namespace, account))
        };
        steps.extend(self.enters(has_token, &format!("a pod with a token of {subject}")));
        steps
    }

    /// The ways to act as an account of a namespace; `None` is any account.
    fn as_account<'s>(
        &'s self,
        namespace: &'s str,
        name: Option<&'s str>,
        how: &Rc<str>,
    ) -> Vec<Step<'s>> {
        let place = Some(namespace);
        let token = on("create", "", "serviceaccounts", "token", place, name);
        let impersonate = on("impersonate", "", "serviceaccounts", "", place, name);
        let any_name = name.is_none();
        let mut steps = vec![
            Step { any_name, ..Step::new(token, how) },
            Step { any_name, ..Step::new(impersonate, how) },
        ];
        // The controller writes a token into a Secret that asks for one.
        let read = ["get", "list", "watch"].map(|verb| on(verb, "", "secrets", "", place, None));
        let secret = on("create", "", "secrets", "", place, None);
        steps.push(Step::new(secret, how).with(read.to_vec()));
        steps.extend(self.starts(namespace, how));
        steps
    }

    /// The requests of which one is needed to impersonate a group: of any user or account.
    fn impersonations(&self) -> Vec<Request<'_>> {
        let users = on("impersonate", "", "users", "", None, None);
        let accounts = self
            .namespaces
            .iter()
            .map(|namespace| on("impersonate", "", "serviceaccounts", "", Some(namespace), None));
        std::iter::once(users).chain(accounts).collect()
    }
}

fn on<'s>(
    verb: &'s str,
    group: &'s str,
    resource: &'s str,
    subresource: &'s str,
    namespace: Option<&'s str>,
    name: Option<&'s str>,
) -> Request<'s> {
    Request { verb, group, resource, subresource, namespace, name }
}

fn resource_of(role: &RoleName) -> &'static str {
    if role.namespace.is_some() { "roles" } else { "clusterroles" }
}

fn pod_use<'a>(query: &Query<'_, 'a>, workload: Workload<'a>) -> PodUse<'a> {
    let (object, pod) = (workload.object, workload.pod());
    let namespace = object.namespace_or_default();
    let mut uses = pod.secret_uses().into_iter();
    let is_in_container = |kind| !matches!(kind, coaming_kube::SecretUseKind::Node);
    PodUse {
        namespace,
        name: (object.kind() == "Pod").then(|| object.name()),
        node: pod.node().string("nodeName"),
        account: has_token(query.world, workload).then(|| pod.service_account_name()),
        has_secret: namespace == query.namespace
            && uses.any(|found| found.secret == query.name && is_in_container(found.kind)),
    }
}
