"""Encryption of chosen values at rest: AES-256-GCM with data keys of each tenant, wrapped by a master key."""

from sql.encryption.fields import EncryptedFields
from sql.encryption.keyring import Keyring
from sql.encryption.master import KeyService, MasterKeys, key_service, new_master_key
from sql.encryption.sealing import RESERVED, holds_sealed

__all__ = [
    "RESERVED",
    "EncryptedFields",
    "KeyService",
    "Keyring",
    "MasterKeys",
    "holds_sealed",
    "key_service",
    "new_master_key",
]
