//! Code hosting, review and CI: GitHub, GitLab, Bitbucket and others.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    // GitHub
    prefixed(
        "github-personal-access-token",
        "GitHub personal access token",
        &["ghp_"],
        "[A-Za-z0-9]{36}",
    )
    .checked(check::crc32_base62),
    prefixed("github-oauth-token", "GitHub OAuth access token", &["gho_"], "[A-Za-z0-9]{36}")
        .checked(check::crc32_base62),
    prefixed("github-app-user-token", "GitHub App user access token", &["ghu_"], "[A-Za-z0-9]{36}")
        .checked(check::crc32_base62),
    prefixed(
        "github-app-installation-token",
        "GitHub App installation token",
        &["ghs_"],
        "[A-Za-z0-9]{36}",
    )
    .checked(check::crc32_base62),
    prefixed("github-refresh-token", "GitHub refresh token", &["ghr_"], "[A-Za-z0-9]{36,76}"),
    prefixed(
        "github-fine-grained-token",
        "GitHub fine-grained personal access token",
        &["github_pat_"],
        "[A-Za-z0-9]{22}_[A-Za-z0-9]{59}|[A-Za-z0-9_]{82}",
    ),
    named(
        "github-legacy-token",
        "GitHub token",
        &["github", "gh_token", "ghtoken"],
        "[0-9a-f]{40}",
    ),
    // GitLab
    prefixed("gitlab-personal-access-token", "GitLab personal access token", &["glpat-"], GITLAB),
    prefixed("gitlab-deploy-token", "GitLab deploy token", &["gldt-"], GITLAB),
    prefixed("gitlab-runner-token", "GitLab runner authentication token", &["glrt-"], GITLAB),
    prefixed(
        "gitlab-runner-registration-token",
        "GitLab runner registration token",
        &["GR1348941"],
        "[A-Za-z0-9_-]{20}",
    ),
    prefixed(
        "gitlab-ci-job-token",
        "GitLab CI/CD job token",
        &["glcbt-"],
        "[0-9a-zA-Z]{1,5}_[A-Za-z0-9_-]{20}",
    ),
    prefixed(
        "gitlab-pipeline-trigger-token",
        "GitLab pipeline trigger token",
        &["glptt-"],
        "[A-Za-z0-9_-]{20,64}",
    ),
    prefixed("gitlab-feed-token", "GitLab feed token", &["glft-"], "[A-Za-z0-9_-]{20,64}"),
    prefixed(
        "gitlab-incoming-mail-token",
        "GitLab incoming mail token",
        &["glimt-"],
        "[A-Za-z0-9_-]{25}",
    ),
    prefixed(
        "gitlab-agent-token",
        "GitLab agent for Kubernetes token",
        &["glagent-"],
        "[A-Za-z0-9_-]{40,64}",
    ),
    prefixed(
        "gitlab-oauth-secret",
        "GitLab OAuth application secret",
        &["gloas-"],
        "[A-Za-z0-9_-]{64}",
    ),
    around(
        "gitlab-session-cookie",
        "GitLab session cookie",
        "_gitlab_session=",
        "_gitlab_session=([0-9a-z]{32})",
    ),
    prefixed("gitlab-scim-token", "GitLab SCIM token", &["glsoat-"], "[A-Za-z0-9_-]{20}"),
    prefixed(
        "gitlab-feature-flag-token",
        "GitLab feature flags client token",
        &["glffct-"],
        "[A-Za-z0-9_-]{20}",
    ),
    // Atlassian
    prefixed("atlassian-api-token", "Atlassian API token", &["ATATT3"], "[A-Za-z0-9_=-]{50,}"),
    prefixed(
        "atlassian-access-token",
        "Atlassian access token",
        &["ATCTT3"],
        "[A-Za-z0-9_=-]{50,}",
    ),
    prefixed("bitbucket-app-password", "Bitbucket app password", &["ATBB"], "[A-Za-z0-9_=.-]{32}"),
    named(
        "bitbucket-client-secret",
        "Bitbucket client secret",
        &["bitbucket"],
        "[A-Za-z0-9_=-]{64}|[A-Za-z0-9]{32}",
    ),
    named(
        "atlassian-legacy-token",
        "Atlassian API token",
        &["atlassian", "jira", "confluence"],
        "[A-Za-z0-9]{24}",
    ),
    // Building and testing
    prefixed(
        "circleci-token",
        "CircleCI token",
        &["CCIPAT_", "CCIPRJ_"],
        "[A-Za-z0-9]{22}_[a-f0-9]{40}",
    ),
    named(
        "circleci-legacy-token",
        "CircleCI token",
        &["circleci", "circle_token", "circle_ci"],
        "[a-f0-9]{40}",
    ),
    prefixed("buildkite-token", "Buildkite token", &["bkua_", "bkaj_"], "[a-z0-9]{40,64}"),
    named("travis-ci-token", "Travis CI token", &["travis"], "[A-Za-z0-9_-]{22}"),
    named("drone-ci-token", "Drone CI token", &["drone"], "[A-Za-z0-9]{32}"),
    named(
        "codecov-token",
        "Codecov token",
        &["codecov"],
        "[A-Za-z0-9]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
    ),
    named("jenkins-api-token", "Jenkins API token", &["jenkins"], "11[0-9a-f]{32}|[0-9a-f]{32}"),
    prefixed("sonarqube-token", "SonarQube token", &["squ_", "sqp_", "sqa_"], "[a-f0-9]{40}"),
    named("sonarqube-legacy-token", "SonarQube token", &["sonar"], "[a-f0-9]{40}"),
    prefixed(
        "sourcegraph-token",
        "Sourcegraph access token",
        &["sgp_"],
        "(?:(?:[a-fA-F0-9]{16}|local)_)?[a-fA-F0-9]{40}",
    ),
    named("sourcegraph-legacy-token", "Sourcegraph access token", &["sourcegraph"], "[a-f0-9]{40}"),
    named("snyk-token", "Snyk token", &["snyk"], UUID),
    prefixed(
        "snyk-service-token",
        "Snyk token",
        &["snyk_uat.", "snyk_sat."],
        r"[A-Za-z0-9]{8}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    ),
    prefixed("postman-api-key", "Postman API key", &["PMAK-"], "[a-f0-9]{24}-[a-f0-9]{34}"),
    prefixed("octopus-deploy-api-key", "Octopus Deploy API key", &["API-"], "[A-Z0-9]{26,32}")
        .checked(check::random),
    prefixed(
        "harness-token",
        "Harness token",
        &["pat.", "sat."],
        r"[A-Za-z0-9_-]{22}\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{20}",
    ),
    prefixed("launchdarkly-sdk-key", "LaunchDarkly SDK key", &["sdk-"], UUID),
    prefixed("launchdarkly-access-token", "LaunchDarkly access token", &["api-"], UUID),
    prefixed(
        "intra42-client-secret",
        "42 intranet client secret",
        &["s-s4t2ud-", "s-s4t2af-"],
        "[a-f0-9]{64}",
    ),
    prefixed("prefect-api-token", "Prefect API token", &["pnu_", "pnb_"], "[A-Za-z0-9]{36}"),
    prefixed(
        "figma-token",
        "Figma personal access token",
        &["figd_", "figdr_", "figu_"],
        "[A-Za-z0-9_-]{38,44}",
    ),
    named("gitea-token", "Gitea access token", &["gitea", "forgejo"], "[a-f0-9]{40}"),
    prefixed("linear-api-key", "Linear API key", &["lin_api_"], "[A-Za-z0-9]{40}"),
    prefixed("linear-oauth-token", "Linear OAuth token", &["lin_oauth_"], "[A-Za-z0-9]{64}"),
    prefixed("gitpod-token", "Gitpod token", &["gitpod_pat_"], "[A-Za-z0-9_.-]{40,100}"),
    prefixed("codesandbox-token", "CodeSandbox token", &["csb_v1_"], "[A-Za-z0-9_-]{40,60}"),
    prefixed(
        "argocd-token",
        "Argo CD token",
        &["argocd.token="],
        r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,}",
    ),
];

const GITLAB: &str = r"(?:t[0-9]_)?[A-Za-z0-9_-]{20,}(?:\.[a-z0-9]{2}\.[a-z0-9]{9})?|[A-Za-z0-9_-]{27,}\.[a-z0-9]{2}[a-z0-9]{7}";
