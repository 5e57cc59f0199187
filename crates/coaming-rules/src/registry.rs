//! All rules: one line each, in the order in which they are documented.

use crate::rule::Rule;
use crate::rules::cluster;
use crate::rules::image_version as version;
use crate::rules::network_policy as network;
use crate::rules::non_root as root;
use crate::rules::schema;
use crate::rules::secrets;
use crate::rules::security_context as security;
use crate::rules::utilities;
use crate::rules::vulnerabilities;

static RULES: &[Rule] = &[
    Rule::container::<root::run_as_root::RunAsRoot>().and_fragments(),
    Rule::container::<root::run_as_non_root::RunAsNonRoot>(),
    Rule::container::<root::refused_by_kubelet::RefusedByKubelet>(),
    Rule::container::<root::root_group::RootGroup>(),
    Rule::container::<root::privileged_port::PrivilegedPort>(),
    Rule::container::<root::installs_software::InstallsSoftware>().and_fragments(),
    Rule::dockerfile::<root::image_user::ImageUser>(),
    Rule::dockerfile::<root::image_gives_root::ImageGivesRoot>(),
    Rule::world::<vulnerabilities::image_vulnerabilities::ImageVulnerabilities>(),
    Rule::container::<utilities::image_utilities::ImageUtilities>(),
    Rule::dockerfile::<utilities::unneeded_tools::UnneededTools>(),
    Rule::dockerfile::<utilities::compiler_in_image::CompilerInImage>(),
    Rule::dockerfile::<utilities::package_lists::PackageLists>(),
    Rule::container::<version::image_tag::ImageTag>().and_fragments(),
    Rule::container::<version::moving_image_tag::MovingImageTag>().and_fragments(),
    Rule::container::<version::invalid_image::InvalidImage>().and_fragments(),
    Rule::container::<version::image_pull_policy::ImagePullPolicy>(),
    Rule::container::<version::image_registry::ImageRegistry>().and_fragments(),
    Rule::container::<version::image_digest::ImageDigest>(),
    Rule::container::<version::image_unsigned::ImageUnsigned>(),
    Rule::pod::<version::no_rollback::NoRollback>(),
    Rule::dockerfile::<version::base_image_version::BaseImageVersion>(),
    Rule::dockerfile::<version::unverified_download::UnverifiedDownload>(),
    Rule::container::<security::missing_security_context::MissingSecurityContext>(),
    Rule::container::<security::privileged::Privileged>().and_fragments(),
    Rule::object::<security::docker_container::DockerContainer>(),
    Rule::container::<security::privilege_escalation::PrivilegeEscalation>(),
    Rule::container::<security::added_capabilities::AddedCapabilities>().and_fragments(),
    Rule::pod::<security::host_namespaces::HostNamespaces>().and_fragments(),
    Rule::container::<security::host_port::HostPort>().and_fragments(),
    Rule::pod_and_object::<security::host_path::HostPath>().and_fragments(),
    Rule::container::<security::seccomp::Seccomp>().and_fragments(),
    Rule::container::<security::app_armor::AppArmor>().and_fragments(),
    Rule::container::<security::se_linux::SeLinux>().and_fragments(),
    Rule::container::<security::proc_mount::ProcMount>().and_fragments(),
    Rule::pod::<security::sysctls::Sysctls>().and_fragments(),
    Rule::container::<security::writable_root::WritableRoot>(),
    Rule::pod::<security::share_process_namespace::ShareProcessNamespace>(),
    Rule::pod::<security::host_users::HostUsers>(),
    Rule::pod::<security::windows_host_process::WindowsHostProcess>().and_fragments(),
    Rule::world::<security::service_account_token::ServiceAccountToken>(),
    Rule::container::<security::probe_host::ProbeHost>().and_fragments(),
    Rule::world::<network::invalid_network_policy::InvalidNetworkPolicy>(),
    Rule::world::<network::no_ingress_policy::NoIngressPolicy>(),
    Rule::world::<network::no_egress_policy::NoEgressPolicy>(),
    Rule::world::<network::policy_selects_nothing::PolicySelectsNothing>(),
    Rule::world::<network::peer_matches_nothing::PeerMatchesNothing>(),
    Rule::world::<network::split_peer::SplitPeer>(),
    Rule::world::<network::allows_internet::AllowsInternet>(),
    Rule::world::<network::metadata_reachable::MetadataReachable>(),
    Rule::world::<network::policy_without_effect::PolicyWithoutEffect>(),
    Rule::world::<network::unserved_port::UnservedPort>(),
    Rule::world::<network::ignored_policies::IgnoredPolicies>(),
    Rule::world::<network::dead_policy_rules::DeadPolicyRules>(),
    Rule::world::<network::equal_policy_priorities::EqualPolicyPriorities>(),
    Rule::world::<network::egress_without_dns::EgressWithoutDns>(),
    Rule::world::<network::closed_ingress::ClosedIngress>(),
    Rule::world::<network::closed_ambient_tunnel::ClosedAmbientTunnel>(),
    Rule::world::<network::missing_service_port::MissingServicePort>(),
    Rule::world::<network::ambiguous_namespace::AmbiguousNamespace>(),
    Rule::world::<network::exposed_service::ExposedService>(),
    Rule::object::<network::external_ips::ExternalIps>(),
    Rule::object::<network::ingress_snippet::IngressSnippet>(),
    Rule::object::<network::ingress_without_tls::IngressWithoutTls>(),
    Rule::object::<secrets::guessable_password::GuessablePassword>(),
    Rule::container::<secrets::no_password::NoPassword>(),
    Rule::object::<secrets::plain_secret_manifest::PlainSecretManifest>(),
    Rule::object::<secrets::plain_secret_environment::PlainSecretEnvironment>(),
    Rule::object::<secrets::plain_secret_command::PlainSecretCommand>(),
    Rule::object::<secrets::plain_secret_config_map::PlainSecretConfigMap>(),
    Rule::object::<secrets::plain_secret_annotation::PlainSecretAnnotation>(),
    Rule::object::<secrets::plain_secret_field::PlainSecretField>(),
    Rule::world::<secrets::plain_secret_file::PlainSecretFile>(),
    Rule::object::<secrets::long_lived_token::LongLivedToken>(),
    Rule::object::<secrets::encryption_identity_first::EncryptionIdentityFirst>(),
    Rule::object::<secrets::encryption_without_secrets::EncryptionWithoutSecrets>(),
    Rule::object::<secrets::encryption_weak_provider::EncryptionWeakProvider>(),
    Rule::container::<secrets::readable_credential::ReadableCredential>(),
    Rule::container::<secrets::image_credential::ImageCredential>(),
    Rule::dockerfile::<secrets::dockerfile_secret::DockerfileSecret>(),
    Rule::pod::<secrets::secret_in_environment::SecretInEnvironment>(),
    Rule::world::<secrets::role_reads_secrets::RoleReadsSecrets>(),
    Rule::world::<secrets::role_gives_rights::RoleGivesRights>(),
    Rule::world::<secrets::default_account_rights::DefaultAccountRights>(),
    Rule::pod::<secrets::secret_on_disk::SecretOnDisk>(),
    Rule::pod::<secrets::projected_token::ProjectedToken>(),
    Rule::pod::<secrets::whole_secret::WholeSecret>(),
    Rule::pod::<secrets::unneeded_secret::UnneededSecret>(),
    Rule::world::<secrets::shared_secret::SharedSecret>(),
    Rule::pod::<secrets::secret_sub_path::SecretSubPath>(),
    Rule::pod::<secrets::vault_for_all_containers::VaultForAllContainers>(),
    Rule::object::<secrets::vault_without_tls::VaultWithoutTls>(),
    Rule::object::<secrets::store_for_all_namespaces::StoreForAllNamespaces>(),
    Rule::object::<secrets::secret_copied_from_store::SecretCopiedFromStore>(),
    Rule::object::<secrets::sealed_secret_scope::SealedSecretScope>(),
    Rule::world::<secrets::sops_misses_field::SopsMissesField>(),
    Rule::pod::<secrets::secret_file_mode::SecretFileMode>(),
    Rule::pod::<secrets::secret_default_mode::SecretDefaultMode>(),
    Rule::pod_and_object::<cluster::anonymous_requests::AnonymousRequests>(),
    Rule::pod_and_object::<cluster::always_allow::AlwaysAllow>(),
    Rule::pod_and_object::<cluster::static_tokens::StaticTokens>(),
    Rule::pod_and_object::<cluster::admission_plugins::AdmissionPlugins>(),
    Rule::world::<cluster::anonymous_binding::AnonymousBinding>(),
    Rule::pod_and_object::<cluster::encryption_missing::EncryptionMissing>(),
    Rule::pod_and_object::<cluster::audit_log_missing::AuditLogMissing>(),
    Rule::pod_and_object::<cluster::etcd_without_client_certificates::EtcdWithoutClientCertificates>(
    ),
    Rule::pod_and_object::<cluster::profiling::Profiling>(),
    Rule::object::<cluster::kubelet_anonymous_requests::KubeletAnonymousRequests>(),
    Rule::object::<cluster::kubelet_read_only_port::KubeletReadOnlyPort>(),
    Rule::world::<cluster::node_version::NodeVersion>(),
    Rule::object::<schema::unknown_kind::UnknownKind>(),
    Rule::object::<schema::unknown_field::UnknownField>(),
    Rule::object::<schema::wrong_type::WrongType>(),
    Rule::object::<schema::invalid_value::InvalidValue>(),
    Rule::object::<schema::duplicate_key::DuplicateKey>(),
    Rule::object::<schema::removed_api::RemovedApi>(),
    Rule::world::<schema::suppression::Suppression>(),
];

/// All rules, in the order in which they are documented.
#[must_use]
pub fn all() -> &'static [Rule] {
    RULES
}

/// The rule of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.meta.id == *name)
}

/// The rule whose name was probably meant, if any is close.
#[must_use]
pub fn nearest(name: &str) -> Option<&'static str> {
    coaming_text::nearest(name, RULES.iter().map(|rule| rule.meta.id.as_str()))
}
