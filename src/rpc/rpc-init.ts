import type { PeerId } from '@libp2p/interface'
import type { Digest } from '../consensus/digest.ts'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { RpcError, RpcErrorCode } from './rpc-error.ts'

/** Which part this node had in an exchange. */
export type RpcSide = 'client' | 'server'

/** One request and its answer, ended: for metrics. */
export interface ExchangeRecord {
  readonly side: RpcSide
  readonly peer: PeerId
  /** The protocol's name, such as `fetch-blocks`. */
  readonly protocol: string
  /** `ok`, the code of the error, or `stopped` when whoever asked had enough. */
  readonly result: 'ok' | 'stopped' | RpcErrorCode | (string & {})
  readonly bytesIn: number
  readonly bytesOut: number
  readonly milliseconds: number
}

/** What the service is made from. Only `chainId` is required. Durations are in milliseconds, at most 2^31 - 1. */
export interface RpcInit {
  /** The chain, part of every protocol id. */
  chainId: Digest
  /** Requests of one peer served at once, for each protocol. @default 8 */
  maxInFlightPerPeer?: number
  /** Requests served at once in all. @default 256 */
  maxInFlight?: number
  /** Requests a second served to one peer, for each protocol: above 0. @default 500: far above what a sync needs, a few per cent of one core */
  requestsPerSecond?: number
  /** Requests served to one peer at once after a rest, for each protocol: at least 1. @default 1000 */
  requestBurst?: number
  /** Bytes of answers made and not yet taken by their peers, in all; one frame of each answer is the least. @default 8388608 (8 MiB) */
  maxAnswerBytes?: number
  /** Streams of one peer that are served, over all protocols; more are reset. @default 96 */
  maxStreamsPerPeer?: number
  /** Streams that are served in all; beyond, the peer with the most loses one. @default 2048 */
  maxStreams?: number
  /** Whether a quarter of all room is kept for a peer and its like, and its turn comes four times as often. It must not throw. @default none is */
  isReserved?: (peer: PeerId) => boolean
  /** Whether the node has more urgent things to do than to serve, such as to catch up itself. It must not throw. @default never */
  isBusy?: () => boolean
  /** How late the event loop is, in milliseconds: serving goes slower when it is over 40. @default what is measured while the service runs */
  loopDelayMs?: () => number
  /** How long a peer may take to send a request that it began, to open a stream without asking, and to close one. @default 10000 */
  requestTimeoutMs?: number
  /** How long a peer may take nothing of what is written to it. @default 30000: longer than a reader needs to verify and store what it holds */
  writeTimeoutMs?: number
  /** How long a stream is kept open for a peer's next request. @default 60000 */
  idleTimeoutMs?: number
  /** Idle streams kept for the next request, for each peer and protocol. @default 4 */
  maxIdleStreams?: number
  /** How long an idle stream is kept; less than the peers' `idleTimeoutMs`, so that none is used while it is being closed. @default 30000 */
  idleStreamMs?: number
  /** Called with every fault of a peer, also with those that a caller gets thrown. It must not throw. @default nobody listens */
  onFault?: (peer: PeerId, error: RpcError, context: { side: RpcSide; protocol: string }) => void
  /** Called with what a handler threw that is no status: a fault of our own, answered as `internal`. It must not throw. @default logged only */
  onHandlerFailure?: (protocol: string, error: unknown) => void
  /** Called at the end of every exchange. It must not throw. @default nobody listens */
  onExchange?: (exchange: ExchangeRecord) => void
  /** @default the machine's */
  clock?: Clock
}

/** The same with every default filled in. */
export function withDefaults(init: RpcInit): Required<RpcInit> {
  return {
    maxInFlightPerPeer: 8,
    maxInFlight: 256,
    requestsPerSecond: 500,
    requestBurst: 1_000,
    maxAnswerBytes: 8 * 1024 * 1024,
    maxStreamsPerPeer: 96,
    maxStreams: 2_048,
    isReserved: () => false,
    isBusy: () => false,
    loopDelayMs: () => 0,
    requestTimeoutMs: 10_000,
    writeTimeoutMs: 30_000,
    idleTimeoutMs: 60_000,
    maxIdleStreams: 4,
    idleStreamMs: 30_000,
    onFault: () => {},
    onHandlerFailure: () => {},
    onExchange: () => {},
    clock: systemClock,
    ...init
  }
}

/** Faults of a peer that was asked. A status is an answer and no fault, whatever it says. */
export const ANSWER_FAULTS: ReadonlySet<RpcErrorCode> = new Set<RpcErrorCode>([
  'RPC_STREAM_TORN',
  'RPC_TIMEOUT',
  'RPC_OVERSIZE_FRAME',
  'RPC_BAD_FRAME',
  'RPC_UNEXPECTED_FRAME'
])

/** Faults of a peer that asks. It may reset its stream whenever it has had enough. */
export const REQUEST_FAULTS: ReadonlySet<RpcErrorCode> = new Set<RpcErrorCode>([
  'RPC_INVALID_REQUEST',
  'RPC_TIMEOUT',
  'RPC_OVERSIZE_FRAME',
  'RPC_BAD_FRAME',
  'RPC_UNEXPECTED_FRAME'
])
