import type { DiskFault } from '../../src/testing/index.ts'
import type { ChaosChain } from './chaos-chain.ts'
import type { HeldMemory } from './held-memory.ts'
import type { LieName } from './lie-names.ts'

/** Calls of a kind of process: what each takes and answers. */
export type Calls = Readonly<Record<string, { readonly argument: unknown; readonly answer: unknown }>> & {
  stop: { argument: null; answer: null }
}

/** A call as it crosses to a process. */
export interface CallMessage {
  readonly id: number
  readonly call: string
  readonly argument: unknown
}

/** What comes back: the answer, why there is none, or something that the process tells by itself. */
export type ChildMessage =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly error: string }
  | { readonly event: ChildEvent }

export type ChildEvent =
  /** It takes calls. */
  | { readonly kind: 'ready' }
  /** Something in it cannot go on. */
  | { readonly kind: 'failed'; readonly message: string }
  /** It has banned a peer. */
  | { readonly kind: 'ban'; readonly peerId: string; readonly code: string }

/** What an honest node begins with. */
export interface ChaosNodeSettings {
  readonly chain: ChaosChain
  readonly role: 'validator' | 'full'
  readonly index: number
  readonly directory: string
  /** The loopback address that is its own: others tell by it who dials. */
  readonly ip: string
  readonly port: number
  /** The multiaddr by which others reach it, without peer id. */
  readonly announce: string
  readonly seeds: readonly string[]
}

/** How a node is. */
export interface ChaosNodeLook {
  readonly highestSynced: number
  readonly highestExecuted: number
  readonly epoch: number
  /** What its peers claim to have, by peer id: highest and lowest commit. */
  readonly peers: Readonly<Record<string, string>>
  /** Parts of the node that are not well, each with its state and why. */
  readonly unwell: readonly string[]
  /** All of its memory that is resident, with garbage and mapped files. */
  readonly residentBytes: number
}

/** What a node holds at each of some commits, in hexadecimal; empty where it holds nothing. */
export interface ChaosRecord {
  readonly commits: readonly string[]
  readonly states: readonly string[]
}

/** What an honest node is asked. */
export type NodeCalls = {
  start: { argument: ChaosNodeSettings; answer: null }
  look: { argument: null; answer: ChaosNodeLook }
  /** Collects its garbage and says what is left. */
  held: { argument: null; answer: HeldMemory }
  /** Lets its consensus work, or rest. */
  consensus: { argument: boolean; answer: null }
  disk: { argument: DiskFault; answer: null }
  /** Makes its clock jump, in milliseconds. */
  clock: { argument: number; answer: null }
  record: { argument: { readonly from: number; readonly to: number }; answer: ChaosRecord }
  stop: { argument: null; answer: null }
}

/** What the process of all liars is asked. */
export type LiarCalls = {
  start: { argument: { readonly chain: ChaosChain; readonly victims: readonly string[] }; answer: null }
  /** The multiaddrs, with peer ids, at which it is to be met at present. */
  lie: {
    argument: { readonly validator: number; readonly lie: LieName; readonly as: 'validator' | 'stranger' }
    answer: string[]
  }
  /** Makes no commits from now on; the liars go on lying. */
  rest: { argument: null; answer: null }
  /** Requests that its peers got so far. */
  asked: { argument: null; answer: number }
  stop: { argument: null; answer: null }
}
