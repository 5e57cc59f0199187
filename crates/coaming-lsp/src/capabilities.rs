//! What the server offers, and what the client can do.

use std::path::PathBuf;

use lsp_types::{
    ClientCapabilities, CodeActionKind, CodeActionOptions, CodeActionProviderCapability,
    CodeLensOptions, DidChangeWatchedFilesRegistrationOptions, ExecuteCommandOptions,
    FileSystemWatcher, GlobPattern, HoverProviderCapability, InitializeParams, OneOf, Registration,
    RegistrationParams, SaveOptions, ServerCapabilities, TextDocumentSyncCapability,
    TextDocumentSyncKind, TextDocumentSyncOptions, WorkspaceFoldersServerCapabilities,
    WorkspaceServerCapabilities,
};
use serde::Deserialize;

use crate::actions::{FIX_ALL, SUPPRESS};
use crate::uri;

/// What matters of the client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    /// The directories of the workspace.
    pub(crate) roots: Vec<PathBuf>,
    /// Whether it applies edits of documents with versions.
    pub(crate) versioned_edits: bool,
    /// Whether it can watch files for the server.
    pub(crate) watches_files: bool,
    /// Whether it asks its user for the reason of a suppression.
    pub(crate) asks_for_reasons: bool,
    /// Whether it can be asked to show code lenses again.
    pub(crate) refreshes_lenses: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct InitializationOptions {
    asks_for_reasons: bool,
}

impl Client {
    pub(crate) fn new(parameters: &InitializeParams) -> Self {
        let ClientCapabilities { workspace, .. } = &parameters.capabilities;
        let workspace = workspace.as_ref();
        let watching = workspace.and_then(|it| it.did_change_watched_files.as_ref());
        let edits = workspace.and_then(|it| it.workspace_edit.as_ref());
        let lenses = workspace.and_then(|it| it.code_lens.as_ref());
        let own = parameters.initialization_options.clone().unwrap_or_default();
        let own: InitializationOptions = serde_json::from_value(own).unwrap_or_default();
        Self {
            roots: roots(parameters),
            versioned_edits: edits.and_then(|it| it.document_changes) == Some(true),
            watches_files: watching.and_then(|it| it.dynamic_registration) == Some(true),
            asks_for_reasons: own.asks_for_reasons,
            refreshes_lenses: lenses.and_then(|it| it.refresh_support) == Some(true),
        }
    }
}

#[expect(deprecated, reason = "older clients name their only directory by `rootUri`")]
fn roots(parameters: &InitializeParams) -> Vec<PathBuf> {
    let directories = parameters.workspace_folders.iter().flatten().map(|it| &it.uri);
    let mut roots: Vec<PathBuf> = directories.filter_map(uri::to_path).collect();
    if roots.is_empty() {
        roots.extend(parameters.root_uri.as_ref().and_then(uri::to_path));
    }
    roots
}

/// What the server offers.
pub(crate) fn server() -> ServerCapabilities {
    let sync = TextDocumentSyncOptions {
        open_close: Some(true),
        change: Some(TextDocumentSyncKind::INCREMENTAL),
        save: Some(SaveOptions::default().into()),
        ..TextDocumentSyncOptions::default()
    };
    let kinds = vec![CodeActionKind::QUICKFIX, CodeActionKind::from(FIX_ALL.to_owned())];
    ServerCapabilities {
        text_document_sync: Some(TextDocumentSyncCapability::Options(sync)),
        code_action_provider: Some(CodeActionProviderCapability::Options(CodeActionOptions {
            code_action_kinds: Some(kinds),
            ..CodeActionOptions::default()
        })),
        code_lens_provider: Some(CodeLensOptions { resolve_provider: Some(true) }),
        hover_provider: Some(HoverProviderCapability::Simple(true)),
        definition_provider: Some(OneOf::Left(true)),
        references_provider: Some(OneOf::Left(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: vec![SUPPRESS.to_owned()],
            ..ExecuteCommandOptions::default()
        }),
        workspace: Some(WorkspaceServerCapabilities {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: None,
            }),
            file_operations: None,
        }),
        ..ServerCapabilities::default()
    }
}

/// The files whose changes on disk matter.
const WATCHED: &str = "**/{*.yaml,*.yml,*.json,*.jsonl,*.ndjson,*.tpl,*.env,.env,Dockerfile*,Containerfile*,.gitignore}";

/// The request that makes the client report changes on disk.
pub(crate) fn watch() -> Option<RegistrationParams> {
    let glob = GlobPattern::String(WATCHED.to_owned());
    let watchers = vec![FileSystemWatcher { glob_pattern: glob, kind: None }];
    let options = DidChangeWatchedFilesRegistrationOptions { watchers };
    Some(RegistrationParams {
        registrations: vec![Registration {
            id: "coaming-files".to_owned(),
            method: "workspace/didChangeWatchedFiles".to_owned(),
            register_options: Some(serde_json::to_value(options).ok()?),
        }],
    })
}
