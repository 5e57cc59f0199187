//! What an answer is limited to, in the words of a user: names are looked up in the models.

use crate::{
    Connections, Endpoint, Filter, FindError, FoundPeer, IdleRule, Model, PortSet, Reach,
    find_endpoint, find_port, find_workload,
};

/// What an answer is limited to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selection<'a> {
    /// A namespace: that of names without one, too.
    pub namespace: Option<&'a str>,
    /// Names of workloads; empty for all.
    pub focus: &'a [String],
    /// A port, by its number or name.
    pub port: Option<&'a str>,
}

impl Selection<'_> {
    /// The filter that this is. Names are looked up in any of the models.
    ///
    /// # Errors
    ///
    /// If no model has a name.
    pub fn filter(&self, models: &[&Model]) -> Result<Filter, FindError> {
        let mut filter =
            Filter { namespace: self.namespace.map(str::to_owned), ..Filter::default() };
        for text in self.focus {
            let found = models.iter().map(|model| {
                let id = find_workload(model, text)?;
                Ok::<_, FindError>(model.workloads.get(id).cloned().unwrap_or_default())
            });
            let (found, failed): (Vec<_>, Vec<_>) = found.partition(Result::is_ok);
            filter.focus.extend(found.into_iter().filter_map(Result::ok));
            if let Some(Err(error)) = failed.into_iter().last().filter(|_| filter.focus.is_empty())
            {
                return Err(error);
            }
        }
        filter.ports = self.port.map(|text| ports(models, text)).transpose()?;
        Ok(filter)
    }

    /// What a text means.
    ///
    /// # Errors
    ///
    /// If it means nothing, or several things.
    pub fn endpoint(&self, reach: &Reach, text: &str) -> Result<FoundPeer, FindError> {
        if let Some(namespace) = self.namespace.filter(|_| !text.contains('/')) {
            let qualified = format!("{namespace}/{text}");
            if let Ok(found) = find_endpoint(reach, &qualified) {
                return Ok(found);
            }
        }
        find_endpoint(reach, text)
    }
}

/// What a text names in any of the models.
fn ports(models: &[&Model], text: &str) -> Result<Connections, FindError> {
    let mut ports = Connections::none();
    for model in models {
        let all: Vec<_> = model.pods.iter().map(|(id, _)| Endpoint::Pods(id)).collect();
        // A number is what it says; a name may be any port of that name.
        let scope = if text.contains(char::is_alphabetic) { all.as_slice() } else { &[] };
        if let Ok(found) = find_port(model, scope, text) {
            for port in found {
                let number = PortSet::range(port.number, port.number);
                ports = ports.union(&Connections::of(port.protocol, number));
            }
        }
    }
    if ports.is_empty() { Err(FindError::BadPort(text.to_owned())) } else { Ok(ports) }
}

impl Filter {
    /// Whether an idle rule is about a workload and a port that are kept.
    #[must_use]
    pub fn keeps_rule(&self, reach: &Reach, idle: &IdleRule) -> bool {
        let model = reach.model();
        let concerned = idle.places.iter();
        let mut concerned = concerned
            .flat_map(|it| reach.subject(it.policy).into_iter().map(move |pods| (it, pods)));
        concerned.any(|(place, pods)| {
            let workload = model.pods.get(pods).and_then(|it| model.workloads.get(it.workload));
            let on = reach.rule_ports(place.policy, place.direction, place.position, pods);
            workload.is_some_and(|workload| self.keeps(workload))
                && self.ports.as_ref().is_none_or(|ports| !on.intersection(ports).is_empty())
        })
    }
}
