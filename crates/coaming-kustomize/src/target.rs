//! Builds a kustomization on its bases: resources, generators, components, transformers.

use std::rc::Rc;

use coaming_helm::Source;

use crate::annotate::{Metadata, Plugin};
use crate::build::{Build, Loaded};
use crate::config::Config;
use crate::failure::Failure;
use crate::files::{FileKind, is_remote, is_within, join};
use crate::kustomization::Kustomization;
use crate::resource::{Refused, Resource, Resources};
use crate::schema::Schema;
use crate::value::{Kind, Value};
use crate::variables::Variable;
use crate::{definitions, generate, hash, order, plugin, transform, variables};

/// How deep bases may nest.
const MAX_DEPTH: usize = 64;

/// What a kustomization has gathered.
pub(crate) struct Accumulator {
    pub(crate) resources: Resources,
    pub(crate) config: Rc<Config>,
    pub(crate) variables: Vec<Variable>,
}

impl Accumulator {
    fn new() -> Self {
        Self {
            resources: Resources::default(),
            config: Rc::new(Config::default()),
            variables: Vec::new(),
        }
    }

    fn append(&mut self, build: &Build<'_>, more: Vec<Resource>) -> Result<(), Failure> {
        self.resources.append(more, &build.schema()).map_err(|refused| at(build, refused))
    }

    fn add_config(&mut self, build: &Build<'_>, more: &Config, at: Source) -> Result<(), Failure> {
        Rc::make_mut(&mut self.config).merge(more).map_err(|message| build.invalid(at, message))
    }

    /// Adds what a base has gathered.
    fn merge(&mut self, build: &Build<'_>, other: Self, named_by: Source) -> Result<(), Failure> {
        self.append(build, other.resources.list)?;
        if self.config.name_prefix.is_empty() {
            self.config = other.config;
        } else if !Rc::ptr_eq(&self.config, &other.config) {
            self.add_config(build, &other.config, named_by)?;
        }
        variables::merge(build, &mut self.variables, other.variables)
    }
}

fn at(build: &Build<'_>, refused: Refused) -> Failure {
    build.invalid(refused.source, refused.message)
}

/// Builds the outermost kustomization.
pub(crate) fn run(build: &Build<'_>, directory: &str) -> Result<Vec<Resource>, Failure> {
    let kustomization = Kustomization::read(build, directory, Source::default())?;
    let metadata = Metadata::of(&kustomization);
    let target = Target {
        build,
        defaults: Rc::new(Config::defaults()),
        chain: vec![build.files.real_path(directory)],
        kustomization,
        metadata,
        origin: ".".to_owned(),
    };
    target.load_schema(true)?;
    let mut gathered = target.gather(Accumulator::new())?;
    let schema = build.schema();
    hash::add_to_names(&mut gathered.resources, &schema)
        .map_err(|message| build.invalid(target.source(), message))?;
    transform::references::update(&mut gathered.resources, &gathered.config, &schema)
        .map_err(|refused| at(build, refused))?;
    variables::resolve(build, &mut gathered)?;
    order::sort(build, &mut gathered.resources, &target.kustomization)?;
    transform::labels::add_metadata(&mut gathered.resources, &target.kustomization);
    let mut list = gathered.resources.list;
    metadata.finish(&mut list);
    list.iter_mut().for_each(Resource::finish);
    Ok(list)
}

/// A kustomization that is being built.
pub(crate) struct Target<'b, 'f> {
    pub(crate) build: &'b Build<'f>,
    pub(crate) kustomization: Kustomization,
    /// The configuration of transformers without any file.
    defaults: Rc<Config>,
    /// The real paths of its directory and of those that are built on it.
    chain: Vec<String>,
    /// The annotations that are wanted.
    pub(crate) metadata: Metadata,
    /// Its directory, relative to the outermost kustomization.
    origin: String,
}

impl Target<'_, '_> {
    pub(crate) fn source(&self) -> Source {
        self.kustomization.root.source
    }

    pub(crate) fn directory(&self) -> &str {
        &self.kustomization.directory
    }

    /// A path in its directory, relative to the outermost kustomization.
    pub(crate) fn path_of(&self, name: &str) -> String {
        join(&self.origin, name)
    }

    /// The path of its own file.
    pub(crate) fn own_path(&self) -> String {
        self.path_of(self.kustomization.file)
    }

    /// Notes that a transformer that is built into a field was applied to all objects.
    pub(crate) fn note_transformer(&self, resources: &mut Resources, kind: &str) {
        let plugin = Plugin { file: &self.own_path(), kind, name: "", namespace: "" };
        self.metadata.add_transformer(&mut resources.list, &plugin);
    }

    /// Reads a file that the kustomization names.
    pub(crate) fn load(&self, reference: &Value) -> Result<Loaded, Failure> {
        self.build.load(self.directory(), reference)
    }

    /// Everything that the kustomization makes, added to what its parent has, if it is a component.
    fn gather(&self, mut gathered: Accumulator) -> Result<Accumulator, Failure> {
        let build = self.build;
        build.count_target()?;
        for field in ["resources", "bases"] {
            for reference in self.kustomization.items(field) {
                self.add_resource(&mut gathered, reference)?;
            }
        }
        self.configure(&mut gathered)?;
        for generated in generate::all(self)? {
            let schema = build.schema();
            gathered.resources.absorb(generated, &schema).map_err(|refused| at(build, refused))?;
        }
        plugin::generate(self, &mut gathered)?;
        for reference in self.kustomization.items("components") {
            gathered = self.add_component(gathered, reference)?;
        }
        transform::all(self, &mut gathered)?;
        plugin::transform(self, &mut gathered)?;
        plugin::validate(self, &mut gathered)?;
        variables::add(self, &mut gathered)?;
        Ok(gathered)
    }

    /// Adds the fields that transformers change: defaults, `configurations`, `crds`.
    fn configure(&self, gathered: &mut Accumulator) -> Result<(), Failure> {
        let build = self.build;
        let mut own = Rc::clone(&self.defaults);
        for reference in self.kustomization.items("configurations") {
            for document in self.build.documents(&self.load(reference)?)?.iter() {
                Rc::make_mut(&mut own)
                    .add(document)
                    .map_err(|message| build.invalid(document.source, message))?;
            }
        }
        if gathered.config.name_prefix.is_empty() {
            gathered.config = own;
        } else if !Rc::ptr_eq(&own, &self.defaults) {
            gathered.add_config(build, &own, self.source())?;
        }
        for reference in self.kustomization.items("crds") {
            let loaded = self.load(reference)?;
            for document in self.build.documents(&loaded)?.iter() {
                definitions::add_to(Rc::make_mut(&mut gathered.config), document)
                    .map_err(|message| build.invalid(document.source, message))?;
            }
        }
        Ok(())
    }

    /// Reads the schema that `openapi` names. That of the outermost kustomization holds; those of
    /// bases count where it has none.
    fn load_schema(&self, is_outermost: bool) -> Result<(), Failure> {
        let Some(path) = self.kustomization.root.at(&["openapi", "path"]) else { return Ok(()) };
        let known = self.build.schema();
        if !is_outermost && known.is_replaced() {
            return Ok(());
        }
        let documents = self.build.documents(&self.load(path)?)?;
        let mut schema = Schema::default();
        documents.iter().for_each(|document| schema.add(definitions::types(document)));
        self.build.set_schema(schema);
        Ok(())
    }

    /// Adds a file of objects, or a base.
    fn add_resource(&self, gathered: &mut Accumulator, reference: &Value) -> Result<(), Failure> {
        let name = reference.str();
        let path = join(self.directory(), name);
        match self.build.files.kind(&path) {
            FileKind::Directory => {
                let base = self.below(&path, reference)?;
                if base.kustomization.is_component() {
                    let message = format!(
                        "`{name}` is a Component: it belongs in `components`, not in `resources`"
                    );
                    return Err(self.build.invalid(reference.source, message));
                }
                base.load_schema(false)?;
                let built = base.gather(Accumulator::new())?;
                gathered.merge(self.build, built, reference.source)
            }
            FileKind::Missing => self.leave_out(reference),
            FileKind::File => {
                let loaded = self.load(reference)?;
                let mut resources = self.resources_of(&loaded)?;
                self.metadata.add_path(&mut resources, &self.path_of(name));
                gathered.append(self.build, resources)
            }
        }
    }

    /// Goes on without a resource that is remote or does not exist, if that is wanted.
    fn leave_out(&self, reference: &Value) -> Result<(), Failure> {
        let name = reference.str();
        let problem = if is_remote(name) {
            self.build.remote(reference)
        } else {
            let place = self.build.place(reference.source);
            Failure::Missing { place, name: name.to_owned() }
        };
        if !self.build.options.skip_absent {
            return Err(problem);
        }
        self.build.add_problem(problem);
        Ok(())
    }

    /// The objects of a file.
    pub(crate) fn resources_of(&self, loaded: &Loaded) -> Result<Vec<Resource>, Failure> {
        let documents = self.build.documents(loaded)?;
        let mut resources = Vec::new();
        for document in documents.iter() {
            self.build.count_nodes(document.nodes())?;
            resources_in(self.build, document.clone(), &mut resources)?;
        }
        Ok(resources)
    }

    fn add_component(
        &self,
        gathered: Accumulator,
        reference: &Value,
    ) -> Result<Accumulator, Failure> {
        let name = reference.str();
        let path = join(self.directory(), name);
        match self.build.files.kind(&path) {
            FileKind::Directory => {}
            FileKind::Missing => {
                self.leave_out(reference)?;
                return Ok(gathered);
            }
            FileKind::File => {
                let message = format!("names `{name}`, which is not a directory");
                return Err(self.build.invalid(reference.source, message));
            }
        }
        let component = self.below(&path, reference)?;
        if !component.kustomization.is_component() {
            let message = format!("`{name}` is not a Component: it belongs in `resources`");
            return Err(self.build.invalid(reference.source, message));
        }
        component.load_schema(false)?;
        component.gather(gathered)
    }

    /// The kustomization of a directory that this one is built on.
    pub(crate) fn below(&self, path: &str, reference: &Value) -> Result<Self, Failure> {
        let invalid = |message: String| self.build.invalid(reference.source, message);
        if reference.str().starts_with('/') {
            return Err(invalid("a base cannot be an absolute path".to_owned()));
        }
        let real = self.build.files.real_path(path);
        if self.chain.iter().any(|visited| is_within(visited, &real)) {
            let name = reference.str();
            return Err(invalid(format!(
                "`{name}` is in a cycle: it contains what is built on it"
            )));
        }
        if self.chain.len() >= MAX_DEPTH {
            return Err(Failure::Limit("its bases are nested too deeply"));
        }
        let mut chain = self.chain.clone();
        chain.push(real);
        Ok(Self {
            build: self.build,
            kustomization: Kustomization::read(self.build, path, reference.source)?,
            defaults: Rc::clone(&self.defaults),
            chain,
            metadata: self.metadata,
            origin: self.path_of(reference.str()),
        })
    }

    /// What the kustomization of another directory makes, for plugins' configurations.
    pub(crate) fn built_below(
        &self,
        path: &str,
        reference: &Value,
    ) -> Result<Vec<Resource>, Failure> {
        let target = self.below(path, reference)?;
        Ok(target.gather(Accumulator::new())?.resources.list)
    }
}

/// The annotation of objects that are only for tools that read files.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// Adds the objects of a document: those in a list each by itself.
pub(crate) fn resources_in(
    build: &Build<'_>,
    document: Value,
    resources: &mut Vec<Resource>,
) -> Result<(), Failure> {
    if document.is_null() || (document.is_map() && document.entries().is_empty()) {
        return Ok(());
    }
    if !document.is_map() {
        return Err(build.invalid(document.source, "the document is not an object"));
    }
    let kind = document.str_at(&["kind"]).to_owned();
    if kind.ends_with("List") && document.get("items").is_some() {
        let Some(Kind::List(items)) = document.get("items").map(|items| items.kind.clone()) else {
            return Ok(());
        };
        return items.into_iter().try_for_each(|item| resources_in(build, item, resources));
    }
    if kind.is_empty() {
        return Err(build.invalid(document.source, "the object has no `kind`"));
    }
    let name = document.at(&["metadata", "name"]);
    if name.is_none_or(|name| name.str().is_empty()) {
        return Err(build.invalid(document.source, format!("the {kind} has no `metadata.name`")));
    }
    let is_local = document.at(&["metadata", "annotations", LOCAL_CONFIG]).is_some();
    if !is_local {
        resources.push(Resource::new(document));
    }
    Ok(())
}
