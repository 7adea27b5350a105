/** What the tests read from the files of vectors, by their names. */

export interface Digests {
  digests: { domain: string; content: string; digest: string }[]
  intents: { scope: string; chain: string; prefix: string }[]
  genesis_blocks: { chain_id: string; epoch: number; author: number; digest: string }[]
}

export interface Genesis {
  validators: {
    network_seed: string
    peer_id: string
    protocol_seed: string
    authority_seed: string
    authority_secret_key: string
    proof_message: string
  }[]
  validator_set: { fields: object; bytes: string; digest: string }
  genesis: { bytes: string; chain_id: string }
}

export interface Block {
  fields: object
  payload: string
  signed_message: string
  signature: string
  bytes: string
  digest: string
}

export interface Chain {
  blocks: Block[]
  commits: { fields: object; bytes: string; digest: string }[]
  certifier_blocks: object[]
}

export interface AnswerPart {
  message: string
  fields: { code?: number; commits?: string[]; certifier_blocks?: string[]; blocks?: string[] }
  body?: string
  frame: string
}

export interface Frames {
  chain_id: string
  exchanges: {
    what: string
    protocol: string
    request: { message: string; fields: object; keep_open: boolean; body: string; frame: string }
    answer: AnswerPart[]
  }[]
  statuses: AnswerPart[]
}

export interface EndOfEpoch {
  epoch: number
  next_validator_set: { bytes: string; digest: string }
  next_epoch_start_ms: number
  state_hash: string
  message: string
  signatures: string[]
  signers: number[]
  bitmap: string
  aggregate: string
  blocks: Block[]
}

export interface Transactions {
  certified: {
    sender_seed: string
    digest: string
    sender_message: string
    certificate_message: string
    signers: number[]
    fields: object
    bytes: string
  }
  end_of_publish: { fields: object; bytes: string }
  block_author: number
  invalid: { what: string; bytes: string }[]
}

export interface NodeInfos {
  chain_id: string
  infos: { peer_id: string; fields: { timestamp_ms: number }; payload: string; envelope: string; digest: string }[]
  known_digest: string
  known_prefixes: string
}

export interface Rendezvous {
  chain_id: string
  protocol: string
  digest: string
  key: string
  cid: string
  get_providers: string
}

export interface InvalidMessages {
  invalid: { what: string; message: string; bytes: string; code: string }[]
  odd: { what: string; message: string; bytes: string; same_as: string }[]
}

export interface InvalidBlocks {
  blocks: { what: string; code: string; bytes: string }[]
}

export interface InvalidRanges {
  ranges: { what: string; code: string; start: number; end: number; commits: string[]; certifier_blocks: string[] }[]
}
