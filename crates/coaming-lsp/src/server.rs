//! The loop: messages in, diagnostics and answers out.
//!
//! Messages are handled in their order, and what follows from a change waits until none is left: a
//! burst of keystrokes is judged once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use coaming_scan::ScanError;
use coaming_source::Unsaved;
use crossbeam_channel::{Receiver, Sender, TryRecvError, after, never, select, unbounded};
use lsp_server::{Connection, Message, Notification, Request, RequestId, Response};
use lsp_types::notification::{self as notice, Notification as _};
use lsp_types::request as ask;
use lsp_types::{
    Diagnostic, InitializeParams, InitializeResult, MessageType, PublishDiagnosticsParams,
    ServerInfo, ShowMessageParams, Uri,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::capabilities::{self, Client};
use crate::document::Document;
use crate::workspace::{Judgement, Workspace};
use crate::{Options, diagnostics, uri};

/// Why the server ends before its client does.
#[derive(Debug, thiserror::Error)]
pub enum LspError {
    /// The client does not follow the protocol.
    #[error("{0}")]
    Protocol(#[from] lsp_server::ProtocolError),
    /// Standard input or output failed.
    #[error("the client cannot be reached: {0}")]
    Io(#[from] std::io::Error),
    /// A message does not have the form that the protocol gives it.
    #[error("a message of the client is not understood: {0}")]
    Message(#[from] serde_json::Error),
}

/// How long no message may come before documents are judged whose world changed.
const PAUSE: Duration = Duration::from_millis(150);

/// The result of reading the workspace.
type Loading = Result<Box<Workspace>, ScanError>;

/// What happened while the server waited.
enum Next {
    /// The client sent this.
    Message(Message),
    /// Other work was done.
    Worked,
    /// The client closed the connection.
    Closed,
}

/// The state of the server.
pub(crate) struct Server<'c> {
    connection: &'c Connection,
    options: Options,
    pub(crate) client: Client,
    pub(crate) workspace: Option<Box<Workspace>>,
    /// Open documents by their files.
    pub(crate) documents: BTreeMap<PathBuf, Document>,
    /// Documents to judge as soon as no message waits.
    changed: BTreeSet<PathBuf>,
    /// Whether a text changed that is not yet in the worlds.
    is_world_old: bool,
    /// What the client shows, so that nothing is sent twice.
    published: BTreeMap<PathBuf, Vec<Diagnostic>>,
    /// The configuration with errors that the client shows.
    configuration: Option<Uri>,
    load_sender: Sender<Loading>,
    /// Whether the workspace is being read, and whether it has to be read again after that.
    is_loading: bool,
    load_again: bool,
    next_request: i32,
}

/// Serves one client.
pub(crate) fn serve(connection: &Connection, options: Options) -> Result<(), LspError> {
    let (id, parameters) = connection.initialize_start()?;
    let parameters: InitializeParams = serde_json::from_value(parameters)?;
    let result = InitializeResult {
        capabilities: capabilities::server(),
        server_info: Some(ServerInfo {
            name: "coaming".to_owned(),
            version: Some(options.version.clone()),
        }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    let (load_sender, loaded) = unbounded();
    let mut server = Server {
        connection,
        options,
        client: Client::new(&parameters),
        workspace: None,
        documents: BTreeMap::new(),
        changed: BTreeSet::new(),
        is_world_old: false,
        published: BTreeMap::new(),
        configuration: None,
        load_sender,
        is_loading: false,
        load_again: false,
        next_request: 0,
    };
    if let Some(watched) = capabilities::watch().filter(|_| server.client.watches_files) {
        server.request::<ask::RegisterCapability>(watched);
    }
    server.load();
    server.run(&loaded)
}

impl Server<'_> {
    fn run(&mut self, loaded: &Receiver<Loading>) -> Result<(), LspError> {
        loop {
            // A waiting message comes first: what it says may make other work superfluous.
            let next = match self.connection.receiver.try_recv() {
                Ok(message) => Next::Message(message),
                Err(TryRecvError::Empty) => self.wait(loaded),
                Err(TryRecvError::Disconnected) => Next::Closed,
            };
            let message = match next {
                Next::Message(message) => message,
                Next::Worked => continue,
                Next::Closed => return Ok(()),
            };
            match message {
                Message::Request(request) => {
                    if self.connection.handle_shutdown(&request)? {
                        return Ok(());
                    }
                    self.answer(request);
                }
                Message::Notification(notification) => self.notified(notification),
                // What the client says about our requests changes nothing.
                Message::Response(_) => {}
            }
        }
    }

    /// Waits for a message, and meanwhile does what is left to do.
    fn wait(&mut self, loaded: &Receiver<Loading>) -> Next {
        let is_ready = self.workspace.is_some();
        let idle = match (is_ready && !self.changed.is_empty(), is_ready && self.is_world_old) {
            (true, _) => after(Duration::ZERO),
            (false, true) => after(PAUSE),
            (false, false) => never(),
        };
        select! {
            recv(self.connection.receiver) -> message => {
                return message.map_or(Next::Closed, Next::Message);
            }
            recv(loaded) -> result => {
                if let Ok(result) = result {
                    self.install(result);
                }
            }
            recv(idle) -> _ => self.work(),
        }
        Next::Worked
    }

    /// Judges one changed document, or else those whose world changed.
    fn work(&mut self) {
        if let Some(path) = self.changed.pop_first() {
            self.publish(&path);
            return;
        }
        self.is_world_old = false;
        let texts = self.texts();
        if let Some(workspace) = &mut self.workspace {
            workspace.update(&texts);
        }
        self.judge_all_again();
    }

    fn judge_all_again(&mut self) {
        let open: Vec<PathBuf> = self.documents.keys().cloned().collect();
        for path in open {
            if let Some(document) = self.documents.get_mut(&path) {
                document.judgement = None;
            }
            self.publish(&path);
        }
        if self.client.refreshes_lenses {
            self.request::<ask::CodeLensRefresh>(());
        }
    }

    /// The texts of all open documents.
    pub(crate) fn texts(&self) -> BTreeMap<PathBuf, Arc<str>> {
        let texts = self.documents.iter();
        texts.map(|(path, document)| (path.clone(), Arc::clone(&document.text))).collect()
    }

    /// Reads the workspace on a thread of its own.
    fn load(&mut self) {
        if self.is_loading {
            self.load_again = true;
            return;
        }
        self.is_loading = true;
        let (sender, options) = (self.load_sender.clone(), self.options.clone());
        let (roots, unsaved) = (self.client.roots.clone(), Unsaved::new(self.texts()));
        std::thread::spawn(move || {
            let workspace = Workspace::load(&roots, &options, unsaved).map(Box::new);
            // The server may have ended meanwhile.
            drop(sender.send(workspace));
        });
    }

    fn install(&mut self, result: Loading) {
        self.is_loading = false;
        match result {
            Ok(workspace) => {
                self.workspace = Some(workspace);
                if let Some(uri) = self.configuration.take() {
                    let (diagnostics, version) = (Vec::new(), None);
                    let parameters = PublishDiagnosticsParams { uri, diagnostics, version };
                    self.notify::<notice::PublishDiagnostics>(parameters);
                }
                self.changed.clear();
                self.is_world_old = true;
                self.judge_all_again();
            }
            Err(error) => self.complain(&error),
        }
        if std::mem::take(&mut self.load_again) {
            self.load();
        }
    }

    /// Says why there is no engine: at the lines of the configuration, if it is that.
    fn complain(&mut self, error: &ScanError) {
        if let ScanError::Config { path, errors } = error
            && let Some(uri) = std::path::absolute(path).ok().and_then(|it| uri::of_path(&it))
        {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            let diagnostics = diagnostics::of_configuration(errors, &text);
            self.configuration = Some(uri.clone());
            let parameters = PublishDiagnosticsParams { uri, diagnostics, version: None };
            self.notify::<notice::PublishDiagnostics>(parameters);
        }
        let message = coaming_secret::gate::masked(&error.to_string()).into_owned();
        let typ = MessageType::ERROR;
        self.notify::<notice::ShowMessage>(ShowMessageParams { typ, message });
    }

    /// The judgement of an open document; `None` before the workspace is read.
    pub(crate) fn judgement(&mut self, path: &Path) -> Option<Arc<Judgement>> {
        let workspace = self.workspace.as_deref()?;
        let document = self.documents.get(path)?;
        if let Some(judgement) = &document.judgement {
            return Some(Arc::clone(judgement));
        }
        let unsaved = Unsaved::new(self.texts());
        let judgement = Arc::new(workspace.judge(path, &document.text, &unsaved));
        self.documents.get_mut(path)?.judgement = Some(Arc::clone(&judgement));
        Some(judgement)
    }

    /// Sends the diagnostics of a document, unless the client shows them already.
    fn publish(&mut self, path: &Path) {
        let Some(judgement) = self.judgement(path) else { return };
        let Some(document) = self.documents.get(path) else { return };
        let diagnostics = diagnostics::of(&judgement, &document.text);
        if self.published.get(path) == Some(&diagnostics) {
            return;
        }
        let (uri, version) = (document.uri.clone(), Some(document.version));
        self.published.insert(path.to_path_buf(), diagnostics.clone());
        let parameters = PublishDiagnosticsParams { uri, diagnostics, version };
        self.notify::<notice::PublishDiagnostics>(parameters);
    }

    fn notified(&mut self, notification: Notification) {
        match notification.method.as_str() {
            notice::DidOpenTextDocument::METHOD => {
                if let Some(it) = read::<notice::DidOpenTextDocument>(notification.params) {
                    let it = it.text_document;
                    let Some(path) = uri::to_path(&it.uri) else { return };
                    let document = Document {
                        uri: it.uri,
                        version: it.version,
                        text: it.text.into(),
                        judgement: None,
                    };
                    self.documents.insert(path.clone(), document);
                    self.touch(path);
                }
            }
            notice::DidChangeTextDocument::METHOD => {
                if let Some(it) = read::<notice::DidChangeTextDocument>(notification.params) {
                    let Some(path) = uri::to_path(&it.text_document.uri) else { return };
                    if let Some(document) = self.documents.get_mut(&path) {
                        document.change(it.text_document.version, it.content_changes);
                        self.touch(path);
                    }
                }
            }
            notice::DidCloseTextDocument::METHOD => {
                if let Some(it) = read::<notice::DidCloseTextDocument>(notification.params) {
                    self.close(&it.text_document.uri);
                }
            }
            // What was saved, and what other programs changed: overlays and charts follow.
            notice::DidSaveTextDocument::METHOD | notice::DidChangeWatchedFiles::METHOD => {
                self.load();
            }
            _ => {}
        }
    }

    fn touch(&mut self, path: PathBuf) {
        self.changed.insert(path);
        self.is_world_old = true;
    }

    fn close(&mut self, uri: &Uri) {
        let Some(path) = uri::to_path(uri) else { return };
        if self.documents.remove(&path).is_none() {
            return;
        }
        self.changed.remove(&path);
        if self.published.remove(&path).is_some_and(|shown| !shown.is_empty()) {
            let (diagnostics, version) = (Vec::new(), None);
            let parameters = PublishDiagnosticsParams { uri: uri.clone(), diagnostics, version };
            self.notify::<notice::PublishDiagnostics>(parameters);
        }
        // From now on, the text on disk counts again.
        self.load();
    }

    /// Sends a notification. A client that cannot be reached any more ends the loop soon.
    fn notify<N: notice::Notification>(&self, parameters: N::Params)
    where
        N::Params: Serialize,
    {
        let notification = Notification::new(N::METHOD.to_owned(), parameters);
        drop(self.connection.sender.send(notification.into()));
    }

    /// Sends a request whose answer does not matter.
    pub(crate) fn request<R: ask::Request>(&mut self, parameters: R::Params)
    where
        R::Params: Serialize,
    {
        self.next_request += 1;
        let id = RequestId::from(self.next_request);
        let request = Request::new(id, R::METHOD.to_owned(), parameters);
        drop(self.connection.sender.send(request.into()));
    }

    pub(crate) fn respond(&self, response: Response) {
        drop(self.connection.sender.send(response.into()));
    }
}

/// The parameters of a notification. One that is not understood has no effect: there is nobody to
/// answer.
fn read<N: notice::Notification>(parameters: serde_json::Value) -> Option<N::Params>
where
    N::Params: DeserializeOwned,
{
    serde_json::from_value(parameters).ok()
}
