//! The messages of both versions, as the API server defines them.

/// Of the first version, `v1beta1`.
pub(crate) mod v1 {
    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct VersionRequest {
        #[prost(string, tag = "1")]
        pub(crate) version: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct VersionResponse {
        #[prost(string, tag = "1")]
        pub(crate) version: String,
        #[prost(string, tag = "2")]
        pub(crate) runtime_name: String,
        #[prost(string, tag = "3")]
        pub(crate) runtime_version: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DecryptRequest {
        #[prost(string, tag = "1")]
        pub(crate) version: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(crate) cipher: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DecryptResponse {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) plain: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct EncryptRequest {
        #[prost(string, tag = "1")]
        pub(crate) version: String,
        #[prost(bytes = "vec", tag = "2")]
        pub(crate) plain: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct EncryptResponse {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) cipher: Vec<u8>,
    }
}

/// Of the second version, `v2`.
pub(crate) mod v2 {
    use std::collections::HashMap;

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct StatusRequest {}

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct StatusResponse {
        #[prost(string, tag = "1")]
        pub(crate) version: String,
        #[prost(string, tag = "2")]
        pub(crate) healthz: String,
        #[prost(string, tag = "3")]
        pub(crate) key_id: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DecryptRequest {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) ciphertext: Vec<u8>,
        #[prost(string, tag = "2")]
        pub(crate) uid: String,
        #[prost(string, tag = "3")]
        pub(crate) key_id: String,
        #[prost(map = "string, bytes", tag = "4")]
        pub(crate) annotations: HashMap<String, Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct DecryptResponse {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) plaintext: Vec<u8>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct EncryptRequest {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) plaintext: Vec<u8>,
        #[prost(string, tag = "2")]
        pub(crate) uid: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub(crate) struct EncryptResponse {
        #[prost(bytes = "vec", tag = "1")]
        pub(crate) ciphertext: Vec<u8>,
        #[prost(string, tag = "2")]
        pub(crate) key_id: String,
        #[prost(map = "string, bytes", tag = "3")]
        pub(crate) annotations: HashMap<String, Vec<u8>>,
    }
}
