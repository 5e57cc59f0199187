//! AI models, and services around them.

use super::{Definition, UUID, around, named, prefixed};
use crate::check;

pub(super) const KINDS: &[Definition] = &[
    around(
        "openai-api-key",
        "OpenAI API key",
        "T3BlbkFJ",
        "sk-(?:proj-|svcacct-|admin-|None-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20,100}",
    )
    .after(20),
    prefixed(
        "openai-project-key",
        "OpenAI API key",
        &["sk-proj-", "sk-svcacct-", "sk-admin-"],
        "[A-Za-z0-9_-]{40,}",
    ),
    prefixed(
        "anthropic-api-key",
        "Anthropic API key",
        &["sk-ant-api03-", "sk-ant-api02-", "sk-ant-"],
        "[A-Za-z0-9_-]{80,120}",
    ),
    prefixed(
        "anthropic-admin-key",
        "Anthropic admin key",
        &["sk-ant-admin01-", "sk-ant-admin"],
        "[A-Za-z0-9_-]{80,120}",
    ),
    prefixed("openrouter-api-key", "OpenRouter API key", &["sk-or-v1-"], "[a-f0-9]{64}"),
    prefixed("langfuse-secret-key", "Langfuse secret key", &["sk-lf-"], UUID),
    prefixed("deepseek-api-key", "DeepSeek API key", &["sk-"], "[a-f0-9]{32}"),
    prefixed("openai-legacy-key", "OpenAI-style API key", &["sk-"], "[A-Za-z0-9]{48}")
        .checked(check::random),
    prefixed(
        "huggingface-access-token",
        "Hugging Face access token",
        &["hf_"],
        "[A-Za-z]{34}|[A-Za-z0-9]{34,40}",
    ),
    prefixed(
        "huggingface-organization-token",
        "Hugging Face organization token",
        &["api_org_"],
        "[A-Za-z0-9]{34}",
    ),
    prefixed("replicate-api-token", "Replicate API token", &["r8_"], "[A-Za-z0-9]{37,40}"),
    prefixed("groq-api-key", "Groq API key", &["gsk_"], "[A-Za-z0-9]{48,56}"),
    prefixed("perplexity-api-key", "Perplexity API key", &["pplx-"], "[A-Za-z0-9]{48,56}"),
    prefixed("xai-api-key", "xAI API key", &["xai-"], "[A-Za-z0-9_]{70,90}"),
    prefixed("together-api-key", "Together AI API key", &["tgp_v1_"], "[A-Za-z0-9_-]{43}"),
    prefixed("fireworks-api-key", "Fireworks AI API key", &["fw_"], "[A-Za-z0-9]{22,24}")
        .checked(check::random),
    prefixed("elevenlabs-api-key", "ElevenLabs API key", &["sk_"], "[a-f0-9]{48}"),
    prefixed(
        "langsmith-api-key",
        "LangSmith API key",
        &["lsv2_pt_", "lsv2_sk_", "ls__"],
        "[a-f0-9]{32}(?:_[a-f0-9]{10})?",
    ),
    prefixed("nvidia-api-key", "NVIDIA API key", &["nvapi-"], "[A-Za-z0-9_-]{60,70}"),
    prefixed(
        "pinecone-api-key",
        "Pinecone API key",
        &["pcsk_"],
        "[A-Za-z0-9]{4,8}_[A-Za-z0-9]{50,70}",
    ),
    prefixed(
        "jina-api-key",
        "Jina AI API key",
        &["jina_"],
        "[a-f0-9]{32}[A-Za-z0-9_-]{28}|[A-Za-z0-9_-]{60}",
    ),
    prefixed("voyage-api-key", "Voyage AI API key", &["pa-"], "[A-Za-z0-9_-]{43}")
        .checked(check::random),
    prefixed("tavily-api-key", "Tavily API key", &["tvly-"], "(?:dev-|prod-)?[A-Za-z0-9-]{32,50}"),
    prefixed("cerebras-api-key", "Cerebras API key", &["csk-"], "[a-z0-9]{48}"),
    prefixed("modal-token", "Modal token secret", &["as-"], "[A-Za-z0-9]{22}")
        .checked(check::random),
    prefixed("e2b-api-key", "E2B API key", &["e2b_"], "[a-f0-9]{40}"),
    prefixed(
        "wandb-prefixed-key",
        "Weights & Biases API key",
        &["wandb_v1_"],
        "[A-Za-z0-9_]{40,90}",
    ),
    named("wandb-api-key", "Weights & Biases API key", &["wandb"], "[a-f0-9]{40}"),
    named("cohere-api-key", "Cohere API key", &["cohere", "co_api_key"], "[A-Za-z0-9]{40}"),
    named("mistral-api-key", "Mistral API key", &["mistral"], "[A-Za-z0-9]{32}"),
    named("stability-api-key", "Stability AI API key", &["stability"], "sk-[A-Za-z0-9]{48}"),
    named(
        "assemblyai-api-key",
        "AssemblyAI API key",
        &["assemblyai", "assembly_ai"],
        "[a-f0-9]{32}",
    ),
    named("deepgram-api-key", "Deepgram API key", &["deepgram"], "[a-f0-9]{40}"),
    named("qdrant-api-key", "Qdrant API key", &["qdrant"], "[A-Za-z0-9_|-]{36,90}"),
    named("weaviate-api-key", "Weaviate API key", &["weaviate"], "[A-Za-z0-9]{36,40}"),
    named("runpod-legacy-key", "RunPod API key", &["runpod"], "[A-Z0-9]{40}"),
    prefixed("runpod-api-key", "RunPod API key", &["rpa_"], "[A-Z0-9]{40,50}[a-z0-9]{0,6}"),
];
