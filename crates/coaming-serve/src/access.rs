//! Whether a user has a right: asked of the API server.

use coaming_admission::{NeededRight, User};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec,
};
use kube::api::{Api, PostParams};
use kube::{Client, Error};

/// Whether the user may update the policies of a namespace.
pub(crate) async fn may_change_policies(
    client: &Client,
    user: &User,
    right: &NeededRight,
) -> Result<bool, Error> {
    let right = ResourceAttributes {
        verb: Some("update".to_owned()),
        group: Some("coaming.dev".to_owned()),
        resource: Some("coamingpolicies".to_owned()),
        namespace: Some(right.namespace.clone()),
        ..ResourceAttributes::default()
    };
    is_allowed(client, user, right).await
}

/// Whether the user has a right.
pub(crate) async fn is_allowed(
    client: &Client,
    user: &User,
    right: ResourceAttributes,
) -> Result<bool, Error> {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(user.username.clone()),
            uid: (!user.uid.is_empty()).then(|| user.uid.clone()),
            groups: Some(user.groups.clone()),
            extra: Some(user.extra.clone()),
            resource_attributes: Some(right),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let api: Api<SubjectAccessReview> = Api::all(client.clone());
    let answer = api.create(&PostParams::default(), &review).await?;
    Ok(answer.status.is_some_and(|status| status.allowed && status.denied != Some(true)))
}
