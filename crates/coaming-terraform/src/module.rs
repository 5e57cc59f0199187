//! A module: its variables, locals and resources, and what they make.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hcl_edit::Decorated;
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, TraversalOperator};
use hcl_edit::structure::{Block, Body};

use crate::eval::{Budget, Names, Origin};
use crate::value::{Entry, Item, Kind, Piece, Site, Value};
use crate::{Manifest, Problem, Rendered, SourceFile, emit, json, typed};

/// How many instances `count` and `for_each` make of one resource.
const MAX_INSTANCES: usize = 1_000;

/// A file, parsed.
pub(crate) enum Parsed {
    Hcl(Box<Body>),
    Json(coaming_yaml::Stream),
    /// It has errors.
    Unreadable,
}

impl Parsed {
    /// All files of a module, and what is wrong in some.
    pub(crate) fn all(files: &[SourceFile]) -> (Vec<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let parsed = files.iter().enumerate().map(|(file, source)| {
            Self::one(source).unwrap_or_else(|(position, message)| {
                problems.push(Problem { file, position, message });
                Self::Unreadable
            })
        });
        let parsed = parsed.collect();
        (parsed, problems)
    }

    fn one(source: &SourceFile) -> Result<Self, ((u32, u32), String)> {
        if source.name.ends_with(".json") {
            let stream = coaming_yaml::parse(std::sync::Arc::clone(&source.text));
            return match stream.errors.first() {
                None => Ok(Self::Json(stream)),
                Some(error) => {
                    let lines = coaming_yaml::LineIndex::new(&source.text);
                    let position = lines.position(&source.text, error.offset);
                    Err((position, error.message.to_string()))
                }
            };
        }
        match hcl_edit::parser::parse_body(source.text.trim_start_matches('\u{feff}')) {
            Ok(body) => Ok(Self::Hcl(Box::new(body))),
            Err(error) => {
                let number = |it: usize| u32::try_from(it).unwrap_or(u32::MAX);
                let place = error.location();
                Err(((number(place.line()), number(place.column())), error.message().to_owned()))
            }
        }
    }
}

/// An expression of either syntax.
#[derive(Clone, Copy)]
pub(crate) enum Expr<'m> {
    Hcl(u32, &'m Expression),
    Json(u32, coaming_yaml::Node<'m>),
}

/// What a resource consists of.
#[derive(Clone, Copy)]
pub(crate) enum Content<'m> {
    Hcl(u32, &'m Body),
    Json(u32, coaming_yaml::Node<'m>),
}

impl<'m> Content<'m> {
    pub(crate) fn attribute(self, name: &str) -> Option<Expr<'m>> {
        match self {
            Self::Hcl(file, body) => {
                body.get_attribute(name).map(|attribute| Expr::Hcl(file, &attribute.value))
            }
            Self::Json(file, node) => node.get(name).map(|node| Expr::Json(file, node)),
        }
    }
}

/// A resource, by its type and name.
pub(crate) struct Resource<'m> {
    pub(crate) kind: &'m str,
    pub(crate) name: &'m str,
    pub(crate) file: u32,
    pub(crate) content: Content<'m>,
}

/// All files of a module.
pub(crate) struct Module<'m> {
    files: &'m [SourceFile],
    variables: BTreeMap<&'m str, Option<Expr<'m>>>,
    locals: BTreeMap<&'m str, Expr<'m>>,
    resources: Vec<Resource<'m>>,
    /// Locals and variables that were evaluated; `None` while they are.
    known: RefCell<BTreeMap<(bool, String), Option<Value>>>,
    /// Resources whose attributes are being evaluated.
    open: RefCell<BTreeSet<(String, String)>>,
    pub(crate) budget: Budget,
}

impl<'m> Module<'m> {
    pub(crate) fn new(files: &'m [SourceFile], parsed: &'m [Parsed]) -> Self {
        let mut module = Self {
            files,
            variables: BTreeMap::new(),
            locals: BTreeMap::new(),
            resources: Vec::new(),
            known: RefCell::default(),
            open: RefCell::default(),
            budget: Budget::default(),
        };
        let mut values = Vec::new();
        for (file, (source, parsed)) in (0..).zip(files.iter().zip(parsed)) {
            let is_values = source.name.contains(".tfvars");
            match parsed {
                Parsed::Hcl(body) if is_values => {
                    let set = body.attributes();
                    values.extend(
                        set.map(|it| (it.key.value().as_str(), Expr::Hcl(file, &it.value))),
                    );
                }
                Parsed::Hcl(body) => module.add_body(file, body),
                Parsed::Json(stream) => {
                    let root = stream.documents.first().map(coaming_yaml::Document::root);
                    let Some(root) = root else { continue };
                    if is_values {
                        let set = root.entries();
                        values.extend(set.map(|it| (it.name(), Expr::Json(file, it.value))));
                    } else {
                        module.add_json(file, root);
                    }
                }
                Parsed::Unreadable => {}
            }
        }
        for (name, value) in values {
            if let Some(variable) = module.variables.get_mut(name) {
                *variable = Some(value);
            }
        }
        module
    }

    fn add_body(&mut self, file: u32, body: &'m Body) {
        for block in body.blocks() {
            let labels: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
            match (block.ident.value().as_str(), labels.as_slice()) {
                ("variable", [name]) => {
                    let default = block.body.get_attribute("default");
                    let default = default.map(|default| Expr::Hcl(file, &default.value));
                    self.variables.insert(name, default);
                }
                ("locals", []) => {
                    let locals = block.body.attributes();
                    self.locals.extend(
                        locals.map(|it| (it.key.value().as_str(), Expr::Hcl(file, &it.value))),
                    );
                }
                ("resource", [kind, name]) => {
                    let content = Content::Hcl(file, &block.body);
                    self.resources.push(Resource { kind, name, file, content });
                }
                _ => {}
            }
        }
    }

    fn add_json(&mut self, file: u32, root: coaming_yaml::Node<'m>) {
        for block in root.entries() {
            match block.name() {
                "variable" => {
                    for variable in json::entries(block.value) {
                        let default = variable.value.get("default");
                        let default = default.map(|default| Expr::Json(file, default));
                        self.variables.insert(variable.name(), default);
                    }
                }
                "locals" => {
                    let locals = json::entries(block.value).into_iter();
                    self.locals.extend(locals.map(|it| (it.name(), Expr::Json(file, it.value))));
                }
                "resource" => {
                    for kind in json::entries(block.value) {
                        for resource in json::entries(kind.value) {
                            for node in json::one_or_more(resource.value) {
                                let content = Content::Json(file, node);
                                let (kind, name) = (kind.name(), resource.name());
                                self.resources.push(Resource { kind, name, file, content });
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    pub(crate) fn text_of(&self, file: u32) -> &'m str {
        let text = self.files.get(file as usize).map_or("", |file| &file.text);
        text.trim_start_matches('\u{feff}')
    }

    /// The value of an expression of either syntax.
    pub(crate) fn value(&self, expr: Expr<'m>, names: &Names<'_>) -> Value {
        match expr {
            Expr::Hcl(file, expr) => self.eval(Origin { file, within: None }, expr, names),
            Expr::Json(file, node) => self.json_value(file, node, names),
        }
    }

    /// What a name refers to, and how many operators are part of the name.
    pub(crate) fn reference(
        &self,
        root: &str,
        operators: &[Decorated<TraversalOperator>],
        site: Site,
    ) -> (Value, usize) {
        let name = |place: usize| match operators.get(place).map(|operator| operator.value()) {
            Some(TraversalOperator::GetAttr(name)) => Some(name.value().as_str()),
            _ => None,
        };
        let unknown = || Value::unknown(&format!("{root}.{}", name(0).unwrap_or("x")), site);
        let found = match (root, name(0)) {
            ("var", Some(name)) => self
                .variables
                .get(name)
                .copied()
                .flatten()
                .and_then(|it| self.named(true, name, it)),
            ("local", Some(name)) => {
                self.locals.get(name).copied().and_then(|it| self.named(false, name, it))
            }
            ("path", Some(_)) => Some(Value::text(".", site)),
            (kind, Some(resource)) => match name(1) {
                Some(attribute) => {
                    let found = self.attribute_of(kind, resource, attribute);
                    return (found.unwrap_or_else(unknown), 2);
                }
                None => None,
            },
            _ => None,
        };
        (found.unwrap_or_else(unknown), 1)
    }

    /// The value of a variable or local, which is evaluated once.
    fn named(&self, is_variable: bool, name: &str, expr: Expr<'m>) -> Option<Value> {
        let key = (is_variable, name.to_owned());
        if let Some(known) = self.known.borrow().get(&key) {
            // A local that refers to itself has no value.
            let known = known.as_ref()?;
            self.budget.spend(known.size())?;
            return Some(known.clone());
        }
        self.known.borrow_mut().insert(key.clone(), None);
        let value = self.value(expr, &Names::default());
        self.known.borrow_mut().insert(key, Some(value.clone()));
        Some(value)
    }

    /// An attribute or the blocks of another resource of the module.
    fn attribute_of(&self, kind: &str, name: &str, attribute: &str) -> Option<Value> {
        let resource = self.resources.iter().find(|it| it.kind == kind && it.name == name)?;
        let is_several =
            ["count", "for_each"].iter().any(|it| resource.content.attribute(it).is_some());
        let key = (kind.to_owned(), format!("{name}.{attribute}"));
        if is_several || !self.open.borrow_mut().insert(key.clone()) {
            return None;
        }
        let value = match (resource.content.attribute(attribute), resource.content) {
            (Some(expr), _) => Some(self.value(expr, &Names::default())),
            (None, Content::Hcl(file, body)) => self
                .budget
                .deeper(|| {
                    let at = Origin { file, within: None };
                    let blocks: Vec<Item> = body
                        .get_blocks(attribute)
                        .map(|it| self.block(at, it, &Names::default()))
                        .collect();
                    let site = blocks.first()?.site;
                    Some(Value::new(Kind::List(blocks), site))
                })
                .flatten(),
            _ => None,
        };
        self.open.borrow_mut().remove(&key);
        value
    }

    /// A block as an object: its attributes, and a list for each of the names of its blocks.
    fn block(&self, at: Origin, block: &Block, names: &Names<'_>) -> Item {
        let site = at.site(block.span());
        Item { site, value: self.body(at, &block.body, site, names) }
    }

    /// A body as an object.
    pub(crate) fn body(&self, at: Origin, body: &Body, site: Site, names: &Names<'_>) -> Value {
        let evaluated = self.budget.deeper(|| {
            let mut entries: Vec<Entry> = Vec::new();
            for attribute in body.attributes() {
                let value_site = at.site(attribute.value.span());
                entries.push(Entry {
                    key: attribute.key.value().as_str().to_owned(),
                    key_site: at.site(attribute.span()),
                    site: value_site,
                    value: self.eval(at, &attribute.value, names),
                });
            }
            for block in body.blocks() {
                for (name, item) in self.blocks_of(at, block, names) {
                    add_block(&mut entries, name, item, at.site(block.span()));
                }
            }
            Value::new(Kind::Object(entries), site)
        });
        evaluated.unwrap_or_else(|| Value::unknown("too deep or too large", site))
    }

    /// A block, or those that a `dynamic` block makes.
    fn blocks_of(&self, at: Origin, block: &Block, names: &Names<'_>) -> Vec<(String, Item)> {
        let label = block.labels.first().map(|label| label.as_str());
        let (Some(name), true) = (label, block.has_ident("dynamic")) else {
            return vec![(block.ident.value().as_str().to_owned(), self.block(at, block, names))];
        };
        let site = at.site(block.span());
        let unknown = || vec![(name.to_owned(), Item { site, value: Value::unknown(name, site) })];
        let each = block.body.get_attribute("for_each");
        let each = each.map(|each| self.eval(at, &each.value, names));
        let content = block.body.get_blocks("content").next();
        let (Some(elements), Some(content)) = (each.and_then(|it| it.elements()), content) else {
            return unknown();
        };
        let iterator = block.body.get_attribute("iterator").and_then(|it| it.value.as_variable());
        let iterator = iterator.map_or(name, |iterator| iterator.as_str());
        let made = elements.into_iter().map(|(key, value)| {
            let own = BTreeMap::from([(iterator.to_owned(), pair(key, value, site))]);
            let inner = Names { own, outer: Some(names) };
            (name.to_owned(), self.block(at, content, &inner))
        });
        made.take(MAX_INSTANCES).collect()
    }

    /// What the resources of the module make.
    pub(crate) fn render(&self) -> Rendered {
        let mut rendered = Rendered::default();
        for resource in &self.resources {
            let is_relevant = ["kubernetes_", "kubectl_", "helm_release", "k8s_manifest"]
                .iter()
                .any(|start| resource.kind.starts_with(start));
            if !is_relevant {
                continue;
            }
            for names in self.instances(resource) {
                let made = self.budget.spend(1).and_then(|()| self.manifest(resource, &names));
                match made {
                    Some((manifest, is_partial)) => {
                        rendered.partial += usize::from(is_partial);
                        rendered.manifests.push(manifest);
                    }
                    None => *rendered.left_out.entry(resource.kind.to_owned()).or_default() += 1,
                }
            }
        }
        rendered
    }

    /// The names of each instance of a resource.
    fn instances(&self, resource: &Resource<'m>) -> Vec<Names<'static>> {
        let names = |name: &str, value| Names {
            own: BTreeMap::from([(name.to_owned(), value)]),
            outer: None,
        };
        let site = Site { file: resource.file, ..Site::default() };
        if let Some(count) = resource.content.attribute("count") {
            let index = |value| Value::new(Kind::Object(vec![entry("index", value, site)]), site);
            let Some(count) = self.value(count, &Names::default()).as_number() else {
                return vec![names("count", index(Value::unknown("count.index", site)))];
            };
            let numbers = (0..MAX_INSTANCES as u64).take_while(|number| (*number as f64) < count);
            return numbers.map(|it| names("count", index(Value::number(it, site)))).collect();
        }
        if let Some(each) = resource.content.attribute("for_each") {
            let Some(elements) = self.value(each, &Names::default()).elements() else {
                let key = Value::unknown("each.key", site);
                let value = Value::unknown("each.value", site);
                return vec![names("each", pair(key, value, site))];
            };
            let of = elements.into_iter().map(|(key, value)| {
                // A set's keys are its values.
                let key = if matches!(key.kind, Kind::Number(_)) { value.clone() } else { key };
                names("each", pair(key, value, site))
            });
            return of.take(MAX_INSTANCES).collect();
        }
        vec![Names::default()]
    }

    /// The manifest of an instance, and whether something in it is not judged; `None` if it is not
    /// known at all.
    fn manifest(&self, resource: &Resource<'m>, names: &Names<'_>) -> Option<(Manifest, bool)> {
        let made = match resource.kind {
            "kubernetes_manifest" => {
                self.encoded(resource.content.attribute("manifest")?, names)?
            }
            "kubectl_manifest" => self.encoded(resource.content.attribute("yaml_body")?, names)?,
            "k8s_manifest" => self.encoded(resource.content.attribute("content")?, names)?,
            kind => {
                let body = match resource.content {
                    Content::Hcl(file, body) => {
                        let at = Origin { file, within: None };
                        self.body(at, body, at.site(body.span()), names)
                    }
                    Content::Json(file, node) => self.json_value(file, node, names),
                };
                Made::Object(typed::object(kind, &body)?)
            }
        };
        let file = resource.file as usize;
        match made {
            Made::Object(value) => emit::manifest(file, &value),
            Made::Text(pieces) => emit::text_manifest(file, pieces),
        }
    }

    /// What an attribute makes: an object, or a text in YAML.
    fn encoded(&self, expr: Expr<'m>, names: &Names<'_>) -> Option<Made> {
        if let Expr::Hcl(file, Expression::FuncCall(call)) = expr
            && let Some(text) = argument_of(call, &["yamldecode", "jsondecode"])
        {
            return self.encoded(Expr::Hcl(file, text), names);
        }
        let value = self.value(expr, names);
        match value.kind {
            Kind::Object(_) => Some(Made::Object(value)),
            Kind::Encoded(inner) if matches!(inner.kind, Kind::Object(_)) => {
                Some(Made::Object(*inner))
            }
            Kind::Text(pieces) => Some(Made::Text(pieces)),
            _ => None,
        }
    }
}

enum Made {
    Object(Value),
    Text(Vec<Piece>),
}

/// The only argument of a call of one of these functions.
fn argument_of<'e>(call: &'e FuncCall, names: &[&str]) -> Option<&'e Expression> {
    let is_one = names.contains(&call.name.name.value().as_str());
    call.args.get(0).filter(|_| is_one && call.args.len() == 1)
}

fn entry(key: &str, value: Value, site: Site) -> Entry {
    Entry { key: key.to_owned(), key_site: site, site, value }
}

/// The object of `each` or of a `dynamic` block.
fn pair(key: Value, value: Value, site: Site) -> Value {
    Value::new(Kind::Object(vec![entry("key", key, site), entry("value", value, site)]), site)
}

/// Adds a block to the list of its name.
fn add_block(entries: &mut Vec<Entry>, name: String, item: Item, site: Site) {
    let known = entries.iter_mut().find(|entry| entry.key == name);
    match known.map(|entry| &mut entry.value.kind) {
        Some(Kind::List(items)) => items.push(item),
        Some(_) => {}
        None => {
            let value = Value::new(Kind::List(vec![item]), site);
            entries.push(Entry { key: name, key_site: site, site, value });
        }
    }
}
