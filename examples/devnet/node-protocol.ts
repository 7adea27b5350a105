import type { ChainSettings } from './chain-settings.ts'

/** Milliseconds by the machine's monotonic clock, which all its processes share: for times that cross them. */
export function machineTime(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export type NodeRole = 'validator' | 'full'

/** What a node's process is told to begin with. */
export interface NodeSettings {
  readonly role: NodeRole
  /** Among the nodes of its role. A validator's is its index in the committee of the genesis. */
  readonly index: number
  readonly directory: string
  readonly chain: ChainSettings
  /** Multiaddrs, each with its peer id. */
  readonly seeds: readonly string[]
  /** Megabits a second of the node's link; `undefined` for none but the loopback. */
  readonly linkMbit: number | undefined
  /** Whether it has a status page. */
  readonly hasPage: boolean
  /** The commit at which a full node has caught up. */
  readonly target: number
}

/** A node that runs. */
export interface NodeStarted {
  readonly peerId: string
  /** The multiaddr, with peer id, that others dial. */
  readonly address: string
  /** Of its status page; `undefined` where it has none. */
  readonly page: string | undefined
  readonly highestSynced: number
}

/** When validators hand in which commit: that of `index` at `at`, the ones after it by their rounds, one every `roundMs`, earlier ones at once. */
export interface Pace {
  readonly index: number
  /** By {@link machineTime}. */
  readonly at: number
  readonly roundMs: number
}

/** Where a node stands. */
export interface NodeReport {
  readonly peerId: string
  /** That the chain goes on in. */
  readonly epoch: number
  readonly highestSynced: number
  readonly lowestAvailable: number
  readonly highestExecuted: number
  /** Peers that it is connected to. */
  readonly connections: number
}

/** What a node holds at one commit, in hexadecimal; empty where it holds nothing. */
export interface NodeDigests {
  readonly commit: string
  readonly state: string
}

/** What a node's process is asked, with argument and answer. */
export interface NodeCalls {
  start: { argument: NodeSettings; answer: NodeStarted }
  /** Makes a validator hand in commits from now on. */
  pace: { argument: Pace; answer: null }
  /** Makes a validator hand in no commit above an index. It answers with the index at which it will really stop. */
  stopAt: { argument: number; answer: number }
  report: { argument: null; answer: NodeReport }
  /** What it holds at a commit. */
  digests: { argument: number; answer: NodeDigests }
  /** Stops the node. The process ends by itself after the answer, if the node has left nothing running. */
  stop: { argument: null; answer: null }
}

/** How far a full node's sync is. */
export interface SyncProgress {
  readonly highestSynced: number
  readonly highestExecuted: number
  /** Of this run. */
  readonly commits: number
  readonly blocks: number
  readonly bytes: number
  readonly bytesInFlight: number
  readonly peers: number
}

/** What a full node's catch-up took. */
export interface CatchUp {
  readonly seconds: number
  readonly commits: number
  readonly blocks: number
  /** Bytes of commits and blocks. */
  readonly bytes: number
}

/** What a node's process tells by itself. */
export type NodeEvent =
  /** It is loaded and takes calls. */
  | { readonly event: 'ready' }
  /** Several times a second, from full nodes. */
  | { readonly event: 'progress'; readonly progress: SyncProgress }
  /** A full node holds every commit up to its target. */
  | { readonly event: 'caught-up'; readonly catchUp: CatchUp }
  /** A validator's consensus has handed in a commit, at a time by {@link machineTime}. */
  | { readonly event: 'handed-in'; readonly index: number; readonly at: number }
  /** A full node that has caught up has executed a commit. */
  | { readonly event: 'executed'; readonly index: number; readonly at: number }
  /** Something of it cannot go on. */
  | { readonly event: 'failed'; readonly message: string }

/** A call as it crosses to the process. */
export interface CallMessage {
  readonly id: number
  readonly call: keyof NodeCalls
  readonly argument: unknown
}

/** The answer to a call: a value, or why there is none. */
export type AnswerMessage = { readonly id: number } & ({ readonly answer: unknown } | { readonly error: string })
