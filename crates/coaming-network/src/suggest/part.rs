//! The part of a suggestion that is asked for.

use super::found::{Asked, Found, Port, Question};
use crate::filter::Filter;
use crate::model::Model;
use crate::ports::{Connections, PortSet};

/// Leaves what concerns these workloads and ports. The policies of a workload stay whole but for the
/// ports: a part of them would close what the rest opens.
pub(super) fn limit(model: &Model, filter: &Filter, found: &mut Found) {
    let on = |port: &Port| {
        let own = Connections::of(port.0, PortSet::range(port.1, port.1));
        filter.ports.as_ref().is_none_or(|ports| !ports.intersection(&own).is_empty())
    };
    found.flows.retain(|flow, _| on(&(flow.protocol, flow.port)));
    found.grants.retain(|grant, _| grant.port.as_ref().is_none_or(on));
    let keeps = |id: &usize| model.workloads.get(*id).is_some_and(|it| filter.keeps(it));
    found.questions.retain(|_, question| match &question.asked {
        Asked::Controller { .. } => true,
        Asked::Egress { from, ports, .. } => {
            from.iter().any(keeps) && (ports.is_empty() || ports.iter().any(on))
        }
        Asked::Ingress { to, .. } => to.iter().any(|(id, port)| keeps(id) && on(port)),
        Asked::Choice { from, choices } => {
            keeps(from) || choices.iter().any(|(_, id, port)| keeps(id) && on(port))
        }
        Asked::Replicas(id, ports) => keeps(id) && ports.iter().any(on),
        Asked::Remark => is_about(model, filter, question),
    });
}

/// Whether a remark is about everything, or names a workload that is asked for.
fn is_about(model: &Model, filter: &Filter, question: &Question) -> bool {
    let mut kept = model.workloads.iter().map(|(_, it)| it).filter(|it| filter.keeps(it));
    !question.id.contains('/')
        || kept.any(|it| question.id.ends_with(&format!(" {}/{}", it.namespace, it.name)))
}
