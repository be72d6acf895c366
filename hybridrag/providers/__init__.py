"""Chat, embeddings and reranking over HTTP. Somebody encodes a request, the gateway seals it, and these send it.

presets             together, fireworks, baseten, local servers: addresses, key variables, first models, what they keep
addresses           which addresses a provider may have, and which are this machine
secret              a key that cannot be printed
openai_compatible   the chat provider itself: encode and send
answers             the sending half of what answers with one JSON document
embeddings          that of an embedding endpoint; its models encode
reranking           that of a rerank endpoint
posting             what both share: key, time limits, attempts, refusals
transport           the HTTP client and its failures
sse, reply          bytes -> events -> text
retry, refusal      what is tried again, and what an error says
"""

from hybridrag.providers.addresses import check_url, host_of, is_listed, is_local, is_loopback, same_endpoint
from hybridrag.providers.answers import AnswerServer
from hybridrag.providers.embeddings import EmbeddingServer
from hybridrag.providers.openai_compatible import OpenAICompatible
from hybridrag.providers.presets import Preset, Retention, preset, preset_names, zero_retention
from hybridrag.providers.reranking import RerankServer
from hybridrag.providers.retry import Retry
from hybridrag.providers.secret import Secret, key_from_environment
from hybridrag.providers.transport import Timeouts

__all__ = [
    "AnswerServer",
    "EmbeddingServer",
    "OpenAICompatible",
    "Preset",
    "RerankServer",
    "Retention",
    "Retry",
    "Secret",
    "Timeouts",
    "check_url",
    "host_of",
    "is_listed",
    "is_local",
    "is_loopback",
    "key_from_environment",
    "preset",
    "preset_names",
    "same_endpoint",
    "zero_retention",
]
