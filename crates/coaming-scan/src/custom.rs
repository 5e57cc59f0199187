//! Users' own rules. Without the feature `cel` there are none, and a configuration that has some is
//! refused: rules that silently do not run would be worse.

#[cfg(feature = "cel")]
pub(crate) use with_cel::{CustomRules, by_definitions};
#[cfg(not(feature = "cel"))]
pub(crate) use without_cel::{CustomRules, by_definitions};

#[cfg(feature = "cel")]
mod with_cel {
    use std::path::PathBuf;
    use std::sync::Arc;

    use coaming_config::Config;
    use coaming_finding::{Finding, InputError, RuleMeta};
    use coaming_kube::{ApiRequest, Object, SourceId, World};

    use crate::{CustomRuleError, ScanError};

    /// The rules of the configuration, and the policies in the files that it names.
    #[derive(Debug, Default)]
    pub(crate) struct CustomRules(coaming_cel::CustomRules);

    impl CustomRules {
        pub(crate) fn new(config: &Config) -> Result<Self, ScanError> {
            let paths: Vec<PathBuf> = config.policies.iter().map(PathBuf::from).collect();
            let loaded = coaming_source::load(&paths, &coaming_source::Options::default());
            if let Some(error) = loaded.errors.first() {
                return Err(ScanError::Policies(error.clone()));
            }
            let policies = World::new(loaded.into_sources());
            let compiled = coaming_cel::CustomRules::compile(&config.rules, policies);
            compiled
                .map(Self)
                .map_err(|errors| ScanError::CustomRules(errors.into_iter().map(typed).collect()))
        }

        pub(crate) fn rules(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
            self.0.metas()
        }

        pub(crate) fn unknown_kinds(&self, world: &World) -> Vec<InputError> {
            let error = |error: coaming_cel::CompileError| InputError {
                file: coaming_config::FILE_NAME.to_owned(),
                position: Some((error.line, 1)),
                message: error.message,
            };
            self.0.unknown_kinds(world).into_iter().map(error).collect()
        }

        pub(crate) fn run(&self, world: &World) -> Vec<Finding> {
            self.0.run(world)
        }

        pub(crate) fn review(
            &self,
            world: &World,
            subject: SourceId,
            request: Option<ApiRequest<'_>>,
        ) -> Vec<Finding> {
            self.0.review(world, subject, request)
        }

        /// The rules about requests.
        pub(crate) fn of_requests(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
            self.0.of_requests()
        }
    }

    /// The custom resources that break rules of their definitions, and how many rules are unknown.
    pub(crate) fn by_definitions(
        world: &World,
        rule: &'static RuleMeta,
        only: Option<SourceId>,
    ) -> (Vec<Finding>, usize) {
        let concerns = |object: Object<'_>| !coaming_rules::is_partial(world, object);
        let report = coaming_cel::definitions::judge(world, rule, only, concerns);
        (report.findings, report.unknown)
    }

    fn typed(error: coaming_cel::CompileError) -> CustomRuleError {
        CustomRuleError { file: error.file, line: error.line, message: error.message }
    }
}

#[cfg(not(feature = "cel"))]
mod without_cel {
    use std::sync::Arc;

    use coaming_config::Config;
    use coaming_finding::{Finding, InputError, RuleMeta};
    use coaming_kube::{ApiRequest, SourceId, World};

    use crate::ScanError;

    /// Nothing: rules of definitions are in CEL, too.
    pub(crate) fn by_definitions(
        _world: &World,
        _rule: &'static RuleMeta,
        _only: Option<SourceId>,
    ) -> (Vec<Finding>, usize) {
        (Vec::new(), 0)
    }

    /// No rules.
    #[derive(Debug, Default)]
    pub(crate) struct CustomRules;

    impl CustomRules {
        pub(crate) fn new(config: &Config) -> Result<Self, ScanError> {
            if config.rules.is_empty() && config.policies.is_empty() {
                return Ok(Self);
            }
            Err(ScanError::NoCel)
        }

        pub(crate) fn rules(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
            std::iter::empty()
        }

        pub(crate) fn unknown_kinds(&self, _world: &World) -> Vec<InputError> {
            Vec::new()
        }

        pub(crate) fn run(&self, _world: &World) -> Vec<Finding> {
            Vec::new()
        }

        pub(crate) fn review(
            &self,
            _world: &World,
            _subject: SourceId,
            _request: Option<ApiRequest<'_>>,
        ) -> Vec<Finding> {
            Vec::new()
        }

        pub(crate) fn of_requests(&self) -> impl Iterator<Item = &Arc<RuleMeta>> {
            std::iter::empty()
        }
    }
}
