/**
 * Bounds of the consensus data, the same for every node of a chain. They are part of the protocol: see `protocols/README.md`.
 */

/** Bytes of a digest: BLAKE2b-256, as in the original. */
export const DIGEST_LENGTH = 32
/** Bytes of an Ed25519 public key. */
export const ED25519_KEY_LENGTH = 32
/** Bytes of an Ed25519 signature. */
export const ED25519_SIGNATURE_LENGTH = 64
/** Bytes of a compressed BLS12-381 G1 public key (min-pk). */
export const BLS_KEY_LENGTH = 48
/** Bytes of a compressed BLS12-381 G2 signature. */
export const BLS_SIGNATURE_LENGTH = 96
/** Most validators of a committee. */
export const MAX_COMMITTEE_SIZE = 1_000
/** Sum of the voting powers of a committee, exactly. */
export const TOTAL_VOTING_POWER = 10_000
/** Stake that two sets cannot both hold without sharing an honest validator: over two thirds. */
export const QUORUM_STAKE = 6_667
/** Stake that holds at least one honest validator: over one third. */
export const VALIDITY_STAKE = 3_334
/** Most bytes of a signed block: so that one always fits into a response frame of 4 MiB. */
export const MAX_BLOCK_BYTES: number = 2 * 1024 * 1024
/** Most transactions of a block: a block full of 32-byte ones. */
export const MAX_BLOCK_TRANSACTIONS = 65_536
/** Most commit votes of a block: a validator back from a long absence votes in several blocks. */
export const MAX_BLOCK_COMMIT_VOTES = 1_000
/** Most blocks of a commit. */
export const MAX_COMMIT_BLOCKS = 10_000
/** Most bytes of a commit: 10,000 references of at most 60 bytes, and the header. */
export const MAX_COMMIT_BYTES: number = 640 * 1024
/** Most addresses of a validator or node. */
export const MAX_ADDRESSES = 8
/** Most bytes of an address. */
export const MAX_ADDRESS_BYTES = 1_024
/** Most bytes of an encoded validator set: it must fit into a block. */
export const MAX_VALIDATOR_SET_BYTES: number = 1_536 * 1024
