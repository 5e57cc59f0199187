//! A client of the plugin, as the API server is one. Its messages are written here a second time, so
//! that a mistake in a number shows.

use std::collections::HashMap;
use std::time::Duration;

use coaming_http::Runtime;
use http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Status {
    #[prost(string, tag = "1")]
    pub(crate) version: String,
    #[prost(string, tag = "2")]
    pub(crate) healthz: String,
    #[prost(string, tag = "3")]
    pub(crate) key_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Encrypted {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) ciphertext: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) key_id: String,
    #[prost(map = "string, bytes", tag = "3")]
    pub(crate) annotations: HashMap<String, Vec<u8>>,
}

/// Bytes in the first field, and texts after them.
#[derive(Clone, PartialEq, prost::Message)]
struct BytesFirst {
    #[prost(bytes = "vec", tag = "1")]
    bytes: Vec<u8>,
    #[prost(string, tag = "2")]
    uid: String,
    #[prost(string, tag = "3")]
    key_id: String,
}

/// The first version's requests: its own version, then bytes.
#[derive(Clone, PartialEq, prost::Message)]
struct VersionFirst {
    #[prost(string, tag = "1")]
    version: String,
    #[prost(bytes = "vec", tag = "2")]
    bytes: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Texts {
    #[prost(string, tag = "1")]
    first: String,
    #[prost(string, tag = "2")]
    second: String,
}

pub(crate) struct Client(Grpc<Channel>);

impl Client {
    pub(crate) fn connect(socket: &str) -> Self {
        let runtime = Runtime::shared().unwrap();
        let channel = runtime.block_on(async {
            let endpoint = Endpoint::from_shared(format!("unix:{socket}")).unwrap();
            endpoint.connect_timeout(Duration::from_secs(5)).connect().await.unwrap()
        });
        Self(Grpc::new(channel))
    }

    fn call<Q, A>(&mut self, method: &'static str, message: Q) -> Result<A, tonic::Status>
    where
        Q: prost::Message + Send + Sync + 'static,
        A: prost::Message + Default + Send + Sync + 'static,
    {
        Runtime::shared().unwrap().block_on(async {
            self.0.ready().await.unwrap();
            let path = PathAndQuery::from_static(method);
            let request = tonic::Request::new(message);
            let answer = self.0.unary(request, path, ProstCodec::<Q, A>::default()).await?;
            Ok(answer.into_inner())
        })
    }

    pub(crate) fn status(&mut self) -> Status {
        self.call("/v2.KeyManagementService/Status", Texts::default()).unwrap()
    }

    pub(crate) fn encrypt(&mut self, plain: &[u8]) -> Result<Encrypted, tonic::Status> {
        let message =
            BytesFirst { bytes: plain.to_vec(), uid: "1".into(), ..BytesFirst::default() };
        self.call("/v2.KeyManagementService/Encrypt", message)
    }

    pub(crate) fn decrypt(&mut self, text: &[u8], key_id: &str) -> Result<Vec<u8>, tonic::Status> {
        let message =
            BytesFirst { bytes: text.to_vec(), uid: "2".into(), key_id: key_id.to_owned() };
        let answer: BytesFirst = self.call("/v2.KeyManagementService/Decrypt", message)?;
        Ok(answer.bytes)
    }

    pub(crate) fn version(&mut self) -> [String; 2] {
        let asked = Texts { first: "v1beta1".into(), ..Texts::default() };
        let answer: Texts = self.call("/v1beta1.KeyManagementService/Version", asked).unwrap();
        [answer.first, answer.second]
    }

    pub(crate) fn encrypt_v1(&mut self, plain: &[u8]) -> Result<Vec<u8>, tonic::Status> {
        let message = VersionFirst { version: "v1beta1".into(), bytes: plain.to_vec() };
        let answer: BytesFirst = self.call("/v1beta1.KeyManagementService/Encrypt", message)?;
        Ok(answer.bytes)
    }

    pub(crate) fn decrypt_v1(&mut self, text: &[u8]) -> Result<Vec<u8>, tonic::Status> {
        let message = VersionFirst { version: "v1beta1".into(), bytes: text.to_vec() };
        let answer: BytesFirst = self.call("/v1beta1.KeyManagementService/Decrypt", message)?;
        Ok(answer.bytes)
    }
}
