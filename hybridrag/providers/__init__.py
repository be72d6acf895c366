"""Chat, embeddings and reranking over HTTP. Somebody encodes a request, the gateway seals it, and these send it.

presets             the providers known by name: addresses, key variables, first models, prices, what they keep
addresses           which addresses a provider may have, and which are this machine
secret              a key that cannot be printed
chat                the chat provider itself: encode and send, in any wire format
wire                what a wire format is
openai_compatible   OpenAI's chat format
anthropic_messages  Anthropic's Messages format
plugins             providers that other packages bring
answers             the sending half of what answers with one JSON document
embeddings          that of an embedding endpoint; its models encode
reranking           that of a rerank endpoint
posting             what all share: key, time limits, attempts, refusals
transport           the HTTP client, its time limits and its failures
sse, reply          bytes -> events -> text
retry, refusal      what is tried again, and what an error says
tokens              how many tokens a request has, and what they cost
"""

from hybridrag.providers.addresses import check_url, host_of, is_listed, is_local, is_loopback, same_endpoint
from hybridrag.providers.answers import AnswerServer
from hybridrag.providers.anthropic_messages import AnthropicMessages
from hybridrag.providers.chat import HttpChat
from hybridrag.providers.embeddings import EmbeddingServer
from hybridrag.providers.openai_compatible import OpenAICompatible
from hybridrag.providers.plugins import open_plugin, plugin_names
from hybridrag.providers.presets import (
    ModelFacts,
    Preset,
    Retention,
    chat_model,
    preset,
    preset_names,
    runs_elsewhere,
    zero_retention,
)
from hybridrag.providers.reranking import RerankServer
from hybridrag.providers.retry import Retry
from hybridrag.providers.secret import Secret, key_from_environment
from hybridrag.providers.transport import Timeouts
from hybridrag.providers.wire import Fields, WireFormat

__all__ = [
    "AnswerServer",
    "AnthropicMessages",
    "EmbeddingServer",
    "Fields",
    "HttpChat",
    "ModelFacts",
    "OpenAICompatible",
    "Preset",
    "RerankServer",
    "Retention",
    "Retry",
    "Secret",
    "Timeouts",
    "WireFormat",
    "chat_model",
    "check_url",
    "host_of",
    "is_listed",
    "is_local",
    "is_loopback",
    "key_from_environment",
    "open_plugin",
    "plugin_names",
    "preset",
    "preset_names",
    "runs_elsewhere",
    "same_endpoint",
    "zero_retention",
]
