//! The answers to the client's requests.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use coaming_source::Unsaved;
use lsp_server::{ErrorCode, Request, RequestId, Response};
use lsp_types::request::{self as ask, Request as _};
use lsp_types::{
    ApplyWorkspaceEditParams, CodeActionParams, CodeLens, CodeLensParams, DocumentChanges,
    ExecuteCommandParams, GotoDefinitionParams, GotoDefinitionResponse, HoverParams, Location,
    OneOf, OptionalVersionedTextDocumentIdentifier, Position, ReferenceParams, TextDocumentEdit,
    TextEdit, Uri, WorkspaceEdit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::actions::{self, Asked, Edits, SUPPRESS, SuppressArguments};
use crate::exposure::{Exposure, WorkloadName};
use crate::position::Lines;
use crate::server::Server;
use crate::workspace::{chart_of, name_of};
use crate::{hover, lens, origin, uri};

impl Server<'_> {
    /// Answers a request; one that is not offered is an error, as the protocol says.
    pub(crate) fn answer(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let response = match method.as_str() {
            ask::CodeActionRequest::METHOD => with(id, params, |it| self.actions(&it)),
            ask::CodeLensRequest::METHOD => with(id, params, |it| self.lenses(&it)),
            ask::CodeLensResolve::METHOD => with(id, params, |it| self.resolve(it)),
            ask::HoverRequest::METHOD => with(id, params, |it| self.hover(&it)),
            ask::GotoDefinition::METHOD => with(id, params, |it| self.definition(&it)),
            ask::References::METHOD => with(id, params, |it| self.references(&it)),
            ask::ExecuteCommand::METHOD => with(id, params, |it| self.execute(it)),
            _ => {
                let message = format!("`{method}` is not offered");
                Response::new_err(id, ErrorCode::MethodNotFound as i32, message)
            }
        };
        self.respond(response);
    }

    fn actions(&mut self, parameters: &CodeActionParams) -> Vec<lsp_types::CodeActionOrCommand> {
        let uri = &parameters.text_document.uri;
        let Some(path) = uri::to_path(uri) else { return Vec::new() };
        let Some(judgement) = self.judgement(&path) else { return Vec::new() };
        let (Some(document), Some(workspace)) = (self.documents.get(&path), &self.workspace) else {
            return Vec::new();
        };
        let texts = self.texts();
        let asked = Asked {
            judgement: &judgement,
            text: &document.text,
            uri,
            range: parameters.range,
            only: parameters.context.only.as_deref().unwrap_or_default(),
            asks_for_reasons: self.client.asks_for_reasons,
            edit: &|edits| self.edit(edits),
            suppresses: &|placed, text| {
                let text: Arc<str> = text.into();
                let mut texts = texts.clone();
                texts.insert(path.clone(), Arc::clone(&text));
                let judgement = workspace.judge(&path, &text, &Unsaved::new(texts));
                let mut left = judgement.findings.iter();
                !left.any(|other| actions::is_same(&other.finding, &placed.finding))
            },
        };
        asked.actions(workspace)
    }

    /// The client's edit of edits of files; `None` where a text is not the one that they were made
    /// for.
    #[expect(clippy::mutable_key_type, reason = "the protocol's type has URIs as keys")]
    fn edit(&self, edits: &Edits) -> Option<WorkspaceEdit> {
        let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
        let mut versioned = Vec::new();
        for (path, (text, edits)) in edits {
            let document = self.documents.get(path);
            if document.is_some_and(|document| document.text != *text) {
                return None;
            }
            let lines = Lines::new(text);
            let edits = edits.iter().map(|edit| TextEdit {
                range: lines.range(edit.span),
                new_text: edit.replacement.clone(),
            });
            let edits: Vec<TextEdit> = edits.collect();
            let uri = document.map(|it| it.uri.clone()).or_else(|| uri::of_path(path))?;
            versioned.push(TextDocumentEdit {
                text_document: OptionalVersionedTextDocumentIdentifier {
                    uri: uri.clone(),
                    version: document.map(|it| it.version),
                },
                edits: edits.iter().cloned().map(OneOf::Left).collect(),
            });
            changes.insert(uri, edits);
        }
        let is_versioned = self.client.versioned_edits;
        Some(WorkspaceEdit {
            changes: (!is_versioned).then_some(changes),
            document_changes: is_versioned.then_some(DocumentChanges::Edits(versioned)),
            change_annotations: None,
        })
    }

    fn lenses(&mut self, parameters: &CodeLensParams) -> Vec<CodeLens> {
        let uri = &parameters.text_document.uri;
        let Some(path) = uri::to_path(uri) else { return Vec::new() };
        let Some(judgement) = self.judgement(&path) else { return Vec::new() };
        let Some(document) = self.documents.get(&path) else { return Vec::new() };
        lens::of(&judgement, &document.text, uri)
    }

    fn resolve(&mut self, mut code_lens: CodeLens) -> CodeLens {
        let data = code_lens.data.take().and_then(|it| serde_json::from_value(it).ok());
        let title = data.and_then(|data: lens::LensData| {
            let path = uri::to_path(&data.uri)?;
            self.exposure(&path, &data.workload())
        });
        let title = title.map_or_else(
            || "who can connect is not known yet".to_owned(),
            |exposure| exposure.title(),
        );
        code_lens.command = Some(lens::shown(title));
        code_lens
    }

    fn exposure(&self, path: &Path, workload: &WorkloadName) -> Option<Exposure> {
        Exposure::of(self.workspace.as_ref()?.reach_of(path)?, workload)
    }

    fn hover(&mut self, parameters: &HoverParams) -> Option<lsp_types::Hover> {
        let at = &parameters.text_document_position_params;
        let path = uri::to_path(&at.text_document.uri)?;
        let judgement = self.judgement(&path)?;
        let document = self.documents.get(&path)?;
        hover::at(&judgement, &document.text, at.position, |name| self.exposure(&path, name))
    }

    fn definition(&mut self, parameters: &GotoDefinitionParams) -> Option<GotoDefinitionResponse> {
        let at = &parameters.text_document_position_params;
        let found = self.origins(&at.text_document.uri, at.position, origin::values_of)?;
        Some(GotoDefinitionResponse::Array(found))
    }

    fn references(&mut self, parameters: &ReferenceParams) -> Option<Vec<Location>> {
        let at = &parameters.text_document_position;
        self.origins(&at.text_document.uri, at.position, origin::uses_of)
    }

    /// What `find` finds in what the chart around a document renders to.
    fn origins(
        &self,
        uri: &Uri,
        position: Position,
        find: impl Fn(&coaming_kube::World, &str, &str, u32) -> Vec<Location>,
    ) -> Option<Vec<Location>> {
        let path = uri::to_path(uri)?;
        let (chart, document) = (chart_of(&path)?, self.documents.get(&path)?);
        let (variants, _) = self.workspace.as_ref()?.rendered(&chart, &Unsaved::new(self.texts()));
        let offset = Lines::new(&document.text).offset(position);
        let name = name_of(&path);
        let worlds = variants.iter().map(|variant| &variant.world);
        Some(worlds.flat_map(|world| find(world, &name, &document.text, offset)).collect())
    }

    fn execute(&mut self, parameters: ExecuteCommandParams) -> Option<()> {
        let argument = parameters.arguments.into_iter().next()?;
        if parameters.command != SUPPRESS {
            return None;
        }
        let wanted: SuppressArguments = serde_json::from_value(argument).ok()?;
        let path = uri::to_path(&wanted.uri)?;
        let document = self.documents.get(&path)?;
        let at = Lines::new(&document.text).offset(Position::new(wanted.line, 0));
        let (edit, _) = actions::suppression(&document.text, at, &wanted.rule, &wanted.reason)?;
        let edits = Edits::from([(path, (Arc::clone(&document.text), vec![edit]))]);
        let edit = self.edit(&edits)?;
        self.request::<ask::ApplyWorkspaceEdit>(ApplyWorkspaceEditParams {
            label: Some("Suppress a finding".to_owned()),
            edit,
        });
        Some(())
    }
}

/// The response to a request with these parameters.
fn with<P: DeserializeOwned, R: Serialize>(
    id: RequestId,
    parameters: serde_json::Value,
    answer: impl FnOnce(P) -> R,
) -> Response {
    match serde_json::from_value(parameters) {
        Ok(parameters) => Response::new_ok(id, answer(parameters)),
        Err(error) => Response::new_err(id, ErrorCode::InvalidParams as i32, error.to_string()),
    }
}
