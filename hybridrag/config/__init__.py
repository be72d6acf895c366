"""Settings: what is set, to what, and where that came from.

settings     the table of all settings: a new one is an entry there, and nothing else
layers       flags, environment, files and defaults into one `Settings`, each value with its origin
files        a settings file, read as a user's own or as a project's
entry        what an entry says beside type and default
values       what texts and numbers a setting may have; `tables` are those that are tables
project      what a project file may not say; `named_files` are the files that settings name
paths        where state lives
passwords    database addresses without them
"""

from hybridrag.config.layers import load, read_settings_file
from hybridrag.config.passwords import has_password, mask_password
from hybridrag.config.paths import PROJECT_FILE, Paths
from hybridrag.config.settings import Settings, masked, setting_names
from hybridrag.config.tables import EndpointSettings, ProviderSettings
from hybridrag.config.values import (
    CUSTOM_ENDPOINT_KEY,
    CUSTOM_PROVIDER_KEY,
    CUSTOM_RERANKER_KEY,
    LEAST_WINDOW,
    MOST_DIMENSIONS,
    names_endpoint,
)

__all__ = [
    "CUSTOM_ENDPOINT_KEY",
    "CUSTOM_PROVIDER_KEY",
    "CUSTOM_RERANKER_KEY",
    "LEAST_WINDOW",
    "MOST_DIMENSIONS",
    "PROJECT_FILE",
    "EndpointSettings",
    "Paths",
    "ProviderSettings",
    "Settings",
    "has_password",
    "load",
    "mask_password",
    "masked",
    "names_endpoint",
    "read_settings_file",
    "setting_names",
]
