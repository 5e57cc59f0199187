//! The groups of artifacts whose archives do not contain their group.

/// By the start of the artifact's name; the first one counts.
const BY_PREFIX: [(&str, &str); 26] = [
    ("spring-boot", "org.springframework.boot"),
    ("spring-security", "org.springframework.security"),
    ("spring-data", "org.springframework.data"),
    ("spring-cloud", "org.springframework.cloud"),
    ("spring-integration", "org.springframework.integration"),
    ("spring-session", "org.springframework.session"),
    ("spring-batch", "org.springframework.batch"),
    ("spring-kafka", "org.springframework.kafka"),
    ("spring-rabbit", "org.springframework.amqp"),
    ("spring-amqp", "org.springframework.amqp"),
    ("spring-ws", "org.springframework.ws"),
    ("spring-", "org.springframework"),
    ("tomcat-embed-", "org.apache.tomcat.embed"),
    ("tomcat-", "org.apache.tomcat"),
    ("okhttp-", "com.squareup.okhttp3"),
    ("kotlinx-coroutines-", "org.jetbrains.kotlinx"),
    ("kotlinx-serialization-", "org.jetbrains.kotlinx"),
    ("kotlin-", "org.jetbrains.kotlin"),
    ("groovy-", "org.apache.groovy"),
    ("hibernate-validator", "org.hibernate.validator"),
    ("hibernate-", "org.hibernate"),
    ("micrometer-", "io.micrometer"),
    ("grpc-", "io.grpc"),
    ("ktor-", "io.ktor"),
    ("opentelemetry-", "io.opentelemetry"),
    ("lucene-", "org.apache.lucene"),
];

/// By the artifact's whole name.
const BY_NAME: [(&str, &str); 46] = [
    ("antlr", "antlr"),
    ("asm", "org.ow2.asm"),
    ("bcprov-jdk15on", "org.bouncycastle"),
    ("bcprov-jdk18on", "org.bouncycastle"),
    ("bcpkix-jdk15on", "org.bouncycastle"),
    ("bcpkix-jdk18on", "org.bouncycastle"),
    ("byte-buddy", "net.bytebuddy"),
    ("c3p0", "com.mchange"),
    ("commons-beanutils", "commons-beanutils"),
    ("commons-cli", "commons-cli"),
    ("commons-codec", "commons-codec"),
    ("commons-collections", "commons-collections"),
    ("commons-dbcp", "commons-dbcp"),
    ("commons-digester", "commons-digester"),
    ("commons-fileupload", "commons-fileupload"),
    ("commons-httpclient", "commons-httpclient"),
    ("commons-io", "commons-io"),
    ("commons-lang", "commons-lang"),
    ("commons-logging", "commons-logging"),
    ("commons-net", "commons-net"),
    ("dom4j", "org.dom4j"),
    ("freemarker", "org.freemarker"),
    ("groovy", "org.apache.groovy"),
    ("h2", "com.h2database"),
    ("hibernate-core", "org.hibernate.orm"),
    ("hsqldb", "org.hsqldb"),
    ("httpclient", "org.apache.httpcomponents"),
    ("httpcore", "org.apache.httpcomponents"),
    ("jdom", "org.jdom"),
    ("jdom2", "org.jdom"),
    ("json", "org.json"),
    ("junit", "junit"),
    ("log4j", "log4j"),
    ("mysql-connector-java", "mysql"),
    ("mysql-connector-j", "com.mysql"),
    ("ojdbc8", "com.oracle.database.jdbc"),
    ("okhttp", "com.squareup.okhttp3"),
    ("okio", "com.squareup.okio"),
    ("okio-jvm", "com.squareup.okio"),
    ("postgresql", "org.postgresql"),
    ("protobuf-java", "com.google.protobuf"),
    ("quartz", "org.quartz-scheduler"),
    ("retrofit", "com.squareup.retrofit2"),
    ("snakeyaml", "org.yaml"),
    ("velocity", "org.apache.velocity"),
    ("xstream", "com.thoughtworks.xstream"),
];

/// Groups that changed: the artifact, or the start of its name and a dash; the first major version of
/// the new group, and the old one.
const FORMER: [(&str, u32, &str); 7] = [
    ("asm", 4, "asm"),
    ("dom4j", 2, "dom4j"),
    ("groovy", 4, "org.codehaus.groovy"),
    ("hibernate-core", 6, "org.hibernate"),
    ("hibernate-validator", 6, "org.hibernate"),
    ("okhttp", 3, "com.squareup.okhttp"),
    ("retrofit", 2, "com.squareup.retrofit"),
];

/// The group of an artifact of this version, if it is one of them.
pub(super) fn of_artifact(artifact: &str, version: &str) -> Option<&'static str> {
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    let is_former = |(name, first, _): &&(&str, u32, &str)| {
        let rest = artifact.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            && major.is_some_and(|major| major < *first)
    };
    if let Some((.., group)) = FORMER.iter().find(is_former) {
        return Some(group);
    }
    let named = BY_NAME.iter().find(|(name, _)| *name == artifact);
    let found = named.or_else(|| BY_PREFIX.iter().find(|(start, _)| artifact.starts_with(start)));
    found.map(|(_, group)| *group)
}
