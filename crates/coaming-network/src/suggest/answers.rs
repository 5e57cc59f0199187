//! Answers to the questions that the evidence leaves open, from a file that users keep.
//!
//! The file is a mapping from the names of questions to answers, one line each. A question without
//! an answer, or with one that does not say enough, stays open.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;

use super::found::{Asked, Flow, Found, Grant, Outer, Port, Proposal, Question, Source};
use super::{Format, write};
use coaming_yaml::Node;

use crate::ip::IpSet;
use crate::model::{Direction, Model, Role};
use crate::ports::Protocol;

/// Why answers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The file is not a mapping from questions to answers.
    #[error("{0}")]
    Syntax(String),
    /// An answer does not say anything that is understood.
    #[error("the answer to `{question}`: {message}")]
    Answer {
        /// The name of the question.
        question: String,
        /// What is wrong.
        message: String,
    },
}

/// Answers by the names of their questions; an empty one is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<String, Vec<String>>);

impl Answers {
    /// Reads a file of answers.
    ///
    /// # Errors
    ///
    /// If it is not a mapping from names to texts or lists of texts.
    pub fn read(text: &str) -> Result<Self, AnswerError> {
        let stream = coaming_yaml::parse(Arc::from(text));
        if let Some(error) = stream.errors.first() {
            return Err(AnswerError::Syntax(error.to_string()));
        }
        let index = coaming_yaml::LineIndex::new(text);
        let fail = |node: Node<'_>, message: &str| {
            let line = node.span().map_or(0, |span| index.position(text, span.start).0);
            Err(AnswerError::Syntax(format!("line {line}: {message}")))
        };
        let mut answers = BTreeMap::new();
        for document in &stream.documents {
            let root = document.root();
            if !root.is_mapping() && !root.is_null() {
                return fail(root, "expected `QUESTION: ANSWER`, one on each line");
            }
            for entry in root.entries() {
                let items: Vec<_> = match entry.value.is_sequence() {
                    true => entry.value.items().collect(),
                    false => vec![entry.value],
                };
                if items.iter().any(|item| item.is_mapping() || item.is_sequence()) {
                    return fail(entry.value, "an answer is a text or a list of texts");
                }
                let texts = items.into_iter().filter(|item| !item.is_null());
                let texts = texts.flat_map(|item| item.text().split(',')).map(str::trim);
                let texts = texts.filter(|text| !text.is_empty()).map(str::to_owned).collect();
                answers.insert(entry.name().to_owned(), texts);
            }
        }
        Ok(Self(answers))
    }

    /// Whether the file has this question, answered or not.
    #[must_use]
    pub fn mentions(&self, question: &Question) -> bool {
        self.0.contains_key(&question.id)
    }

    /// The answers to questions that are not among those that were asked.
    pub(crate) fn unasked<'a>(
        &'a self,
        asked: &'a BTreeSet<String>,
    ) -> impl Iterator<Item = &'a String> {
        let answered = self.0.iter().filter(|(_, texts)| !texts.is_empty());
        answered.map(|(id, _)| id).filter(|id| !asked.contains(*id))
    }
}

/// The text of a file of answers with the questions that it does not have yet; what is in it stays as it
/// is. `None` if nothing is new.
#[must_use]
pub fn with_questions(
    existing: Option<&str>,
    answers: Option<&Answers>,
    questions: &[Question],
) -> Option<String> {
    let is_new = |it: &&Question| answers.is_none_or(|answers| !answers.mentions(it));
    let new: Vec<Question> = questions.iter().filter(is_new).cloned().collect();
    if new.is_empty() && existing.is_some() {
        return None;
    }
    let before = existing.unwrap_or_default();
    let gap = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    Some(format!("{before}{gap}{}", answer_template(&new, existing.is_none())))
}

/// Lines for a file of answers, with room for an answer to each question.
#[must_use]
pub fn answer_template(questions: &[Question], is_new: bool) -> String {
    let mut out = String::new();
    if is_new {
        out.push_str(
            "# Answers for `coaming net suggest --answers`. Write each answer after its colon; separate\n\
             # several by commas. A port may follow an address or a name: `192.0.2.1:443`, `any:udp/123`.\n",
        );
    }
    for question in questions {
        let text = write::one_line(&question.text);
        let _ = write!(
            out,
            "\n# {text}\n# Answer: {}.\n{}:\n",
            question.answers,
            serde_json::Value::from(question.id.as_str())
        );
    }
    out
}

/// Applies answers: what they allow is added, and the questions are no longer open.
pub(crate) fn apply(
    answers: &Answers,
    model: &Model,
    format: Format,
    found: &mut Found,
) -> Result<(), AnswerError> {
    let questions = std::mem::take(&mut found.questions);
    for (id, mut question) in questions {
        let texts = answers.0.get(&id).filter(|texts| !texts.is_empty());
        let Some(texts) = texts else {
            found.questions.insert(id, question);
            continue;
        };
        let reader = Reader { model, format, evidence: format!("answer to \"{id}\"") };
        let open = reader.answer(&question.asked, texts, found);
        let open = open.map_err(|message| AnswerError::Answer { question: id.clone(), message })?;
        if let Some(reason) = open {
            let reason = format!(" ({reason})");
            if !question.text.ends_with(&reason) {
                question.text.push_str(&reason);
            }
            found.questions.insert(id, question);
        }
    }
    Ok(())
}

/// Why an answer is not enough; `None` if it is.
type Open = Option<String>;

struct Reader<'r> {
    model: &'r Model,
    format: Format,
    evidence: String,
}

impl Reader<'_> {
    fn answer(&self, asked: &Asked, texts: &[String], found: &mut Found) -> Result<Open, String> {
        let is = |word: &str| matches!(texts, [text] if text.eq_ignore_ascii_case(word));
        match asked {
            Asked::Remark => {}
            Asked::Controller { kind, .. } if is("no") => {
                let is_of = |via: &String| write::controller_kind(via) == *kind;
                found.flows.retain(|flow, evidence| {
                    flow.source != Source::Controller || !evidence.iter().all(is_of)
                });
            }
            Asked::Controller { usual, .. } if is("yes") || is(usual) => {}
            Asked::Controller { kind, .. } => {
                if let Some(bad) = texts.iter().find(|text| !is_namespace(text)) {
                    return Err(format!("`{bad}` is not a valid namespace"));
                }
                found.controllers.insert(kind, texts.iter().cloned().collect());
            }
            Asked::Replicas(..) if is("no") => {}
            Asked::Replicas(id, ports) if is("yes") => {
                for &(protocol, port) in ports {
                    let source = Source::Workload(*id);
                    let flow = Flow { source, target: *id, protocol, port };
                    found.add(flow, self.evidence.clone());
                }
            }
            Asked::Replicas(..) => return Err("expected `yes` or `no`".to_owned()),
            Asked::Choice { .. } if is("no") => {}
            Asked::Choice { from, choices } => {
                for text in texts {
                    let is_meant = |name: &String| text == name || text.eq_ignore_ascii_case("all");
                    let mut meant = choices.iter().filter(|choice| is_meant(&choice.0)).peekable();
                    if meant.peek().is_none() {
                        return Err(format!("`{text}` is not a port of the Service"));
                    }
                    for &(_, target, (protocol, port)) in meant {
                        let flow = Flow { source: Source::Workload(*from), target, protocol, port };
                        found.add(flow, self.evidence.clone());
                    }
                }
            }
            Asked::Egress { .. } | Asked::Ingress { .. } if is("no") => {}
            Asked::Egress { from, proposal, ports } => {
                return self.egress(from, proposal, ports, texts, found);
            }
            Asked::Ingress { to, proposal } => return self.ingress(to, proposal, texts, found),
        }
        Ok(None)
    }

    fn egress(
        &self,
        from: &[usize],
        proposal: &Proposal,
        usual: &[Port],
        texts: &[String],
        found: &mut Found,
    ) -> Result<Open, String> {
        for text in texts {
            // `web to 192.0.2.1:443`: one of the workloads.
            let (who, text) = match text.split_once(" to ") {
                Some((who, text)) => (Some(self.workload(who.trim(), from)?), text.trim()),
                None => (None, text.as_str()),
            };
            let from = who.as_ref().map_or(from, std::slice::from_ref);
            let (peers, port) = match text.eq_ignore_ascii_case("yes") {
                true => match self.proposed(proposal) {
                    Ok(peers) => (peers, None),
                    Err(reason) => return Ok(Some(reason)),
                },
                false => {
                    let (peer, port) = with_port(text)?;
                    if let (Ok(target), Some((protocol, port))) = (self.workload(peer, &[]), port) {
                        for &id in from {
                            let flow =
                                Flow { source: Source::Workload(id), target, protocol, port };
                            found.add(flow, self.evidence.clone());
                        }
                        continue;
                    }
                    match self.outer(peer, proposal)? {
                        Ok(peer) => (vec![peer], port),
                        Err(reason) => return Ok(Some(reason)),
                    }
                }
            };
            let ports: Vec<Option<Port>> = match port {
                Some(port) => vec![Some(port)],
                None if usual.is_empty() => vec![None],
                None => usual.iter().copied().map(Some).collect(),
            };
            for &workload in from {
                for peer in &peers {
                    for &port in &ports {
                        let direction = Direction::Egress;
                        let grant = Grant { workload, direction, peer: peer.clone(), port };
                        found.grant(grant, self.evidence.clone());
                    }
                }
            }
        }
        Ok(None)
    }

    fn ingress(
        &self,
        to: &[(usize, Port)],
        proposal: &Proposal,
        texts: &[String],
        found: &mut Found,
    ) -> Result<Open, String> {
        for text in texts {
            if text.eq_ignore_ascii_case("yes") {
                match self.proposed(proposal) {
                    Ok(peers) => {
                        peers.iter().for_each(|peer| self.let_in(to, peer, None, found));
                        continue;
                    }
                    Err(reason) => return Ok(Some(reason)),
                }
            }
            let (peer, port) = with_port(text)?;
            if let Ok(source) = self.workload(peer, &[]) {
                self.connect(source, to, port, found);
                continue;
            }
            match self.outer(peer, proposal)? {
                Ok(Outer::Host(_)) => {
                    return Err(format!("`{text}` is neither a workload here nor an address"));
                }
                Ok(peer) => self.let_in(to, &peer, port, found),
                Err(reason) => return Ok(Some(reason)),
            }
        }
        Ok(None)
    }

    /// Lets a workload connect.
    fn connect(&self, id: usize, to: &[(usize, Port)], port: Option<Port>, found: &mut Found) {
        for &(target, usual) in to.iter().filter(|(_, usual)| port.is_none_or(|it| it == *usual)) {
            let (protocol, port) = usual;
            let flow = Flow { source: Source::Workload(id), target, protocol, port };
            found.add(flow, self.evidence.clone());
        }
    }

    /// Lets a peer in. The workloads of a namespace here must be able to leave, too.
    fn let_in(&self, to: &[(usize, Port)], peer: &Outer, port: Option<Port>, found: &mut Found) {
        for &(workload, usual) in to {
            let direction = Direction::Ingress;
            let port = Some(port.unwrap_or(usual));
            let grant = Grant { workload, direction, peer: peer.clone(), port };
            found.grant(grant, self.evidence.clone());
        }
        if let Outer::Namespace(name) = peer {
            let real = self.model.pods.iter().map(|(_, pods)| pods);
            let of_it = real.filter(|pods| {
                pods.role == Role::Real && *pods.namespace == **name && !pods.host_network
            });
            let ids: BTreeSet<usize> = of_it.map(|pods| pods.workload).collect();
            ids.into_iter().for_each(|id| self.connect(id, to, port, found));
        }
    }

    /// What `yes` means.
    fn proposed(&self, proposal: &Proposal) -> Result<Vec<Outer>, String> {
        if proposal.is_api_server && self.format == Format::Cilium {
            return Ok(vec![Outer::ApiServer(None)]);
        }
        if let (Some(host), Format::Cilium) = (&proposal.host, self.format) {
            return Ok(vec![Outer::Host(host.clone())]);
        }
        if proposal.addresses.is_empty() {
            return Err(match (&proposal.host, self.format) {
                (Some(host), format) => format!(
                    "`yes` is not enough: {} cannot name hosts, so write the addresses of {host}, or \
                     `any`, or use --format cilium",
                    format.policies()
                ),
                (None, _) => "`yes` is not enough: write addresses, or `any`".to_owned(),
            });
        }
        let block = |address: &IpAddr| single(*address);
        let blocks = proposal.addresses.iter().map(block);
        Ok(match proposal.is_api_server {
            true => blocks.map(|block| Outer::ApiServer(Some(block))).collect(),
            false => blocks.map(Outer::Block).collect(),
        })
    }

    /// A peer beyond the workloads here, or why this format cannot name it.
    fn outer(&self, text: &str, proposal: &Proposal) -> Result<Result<Outer, String>, String> {
        if text.eq_ignore_ascii_case("any") {
            return Ok(Ok(Outer::Any));
        }
        if let Some(name) = text.strip_prefix("namespace:") {
            let name = name.trim();
            if !is_namespace(name) {
                return Err(format!("`{name}` is not a valid namespace"));
            }
            return Ok(Ok(Outer::Namespace(name.to_owned())));
        }
        let block = match text.parse::<IpAddr>() {
            Ok(address) => Some(single(address)),
            Err(_) => IpSet::cidr(text).ok().map(|_| text.to_owned()),
        };
        if let Some(block) = block {
            return Ok(Ok(match proposal.is_api_server {
                true => Outer::ApiServer(Some(block)),
                false => Outer::Block(block),
            }));
        }
        let is_name = text.contains('.')
            && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
            && text.bytes().any(|it| it.is_ascii_alphabetic());
        match (is_name, self.format) {
            (true, Format::Cilium) => Ok(Ok(Outer::Host(text.to_ascii_lowercase()))),
            (true, format) => Ok(Err(format!(
                "{} cannot name hosts such as {text}: write its addresses, or use --format cilium",
                format.policies()
            ))),
            (false, _) => Err(format!(
                "`{text}` is not understood: expected `no`, `yes`, `any`, `namespace:NAME`, an \
                 address, a block such as 192.0.2.0/24, or a workload here such as shop/web"
            )),
        }
    }

    /// The workload of a name, among these if there are any.
    fn workload(&self, text: &str, among: &[usize]) -> Result<usize, String> {
        let among_them = |id: &usize| among.is_empty() || among.contains(id);
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        let real = self.model.pods.iter().map(|(_, pods)| pods);
        let real = real.filter(|pods| pods.role == Role::Real).map(|pods| pods.workload);
        let ids: BTreeSet<usize> = real.filter(among_them).collect();
        let mut fits = ids.into_iter().filter(|&id| {
            self.model.workloads.get(id).is_some_and(|it| {
                it.name == name && namespace.is_none_or(|namespace| it.namespace == namespace)
            })
        });
        match (fits.next(), fits.next()) {
            (Some(id), None) => Ok(id),
            (None, _) => Err(format!("`{text}` is not a workload here")),
            (Some(_), Some(_)) => Err(format!("`{text}` means several workloads")),
        }
    }
}

/// A peer and the port behind it: `192.0.2.1:443`, `any:udp/53`, `[2001:db8::1]:443`.
fn with_port(text: &str) -> Result<(&str, Option<Port>), String> {
    if text.parse::<IpAddr>().is_ok() || IpSet::cidr(text).is_ok() {
        return Ok((text, None));
    }
    let Some((peer, port)) = text.rsplit_once(':') else { return Ok((text, None)) };
    let peer = peer.trim_start_matches('[').trim_end_matches(']');
    // `namespace:shop` has a colon of its own.
    if peer == "namespace" {
        return Ok((text, None));
    }
    let (protocol, number) = port.split_once('/').unwrap_or(("tcp", port));
    let protocol = Protocol::from_name(&protocol.to_ascii_uppercase());
    match (protocol, number.parse::<u16>().ok().filter(|&number| number > 0)) {
        (Some(protocol), Some(number)) => Ok((peer, Some((protocol, number)))),
        _ => Err(format!("`{port}` is not a valid port such as 443 or udp/53")),
    }
}

/// The block of one address.
pub(crate) fn single(address: IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

fn is_namespace(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
}
