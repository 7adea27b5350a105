import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Connection, Libp2p, PeerId, PrivateKey, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import type { Uint8ArrayList } from 'uint8arraylist'
import { getKnownPeers } from '../discovery/protocols.ts'
import { addressTimer } from '../node/address-timer.ts'
import { encodeResponseFrame, encodeStatusFrame } from '../rpc/frame-codec.ts'
import { requestFrameMessage } from '../rpc/frame-messages.ts'
import { FrameStream } from '../rpc/frame-stream.ts'
import { rpc, YAMUX_STREAM_OPTIONS } from '../rpc/index.ts'
import type { Rpc, RpcContext, RpcProtocol } from '../rpc/rpc.ts'
import { RpcError } from '../rpc/rpc-error.ts'
import { OK_STATUS } from '../rpc/status.ts'
import { CommitServer } from '../state-sync/commit-server.ts'
import { fetchBlocks, fetchCommits, getCommitAvailability, getCommitInfo, pushCommit } from '../state-sync/protocols.ts'
import type { CommitStore } from '../storage/commit-store.ts'
import { openMemoryStore } from '../storage/index.ts'
import type { ByzantineScript, Misconduct, StreamLie } from './byzantine-peer-script.ts'
import type { Chain } from './chain-builder.ts'
import type { ScriptedCommit } from './scripted-consensus.ts'
import { writeChain } from './write-chain.ts'

/** What a Byzantine peer is made from. */
export interface ByzantinePeerInit {
  /** What it answers from: any chain that a store takes, certified or not. */
  readonly chain: Pick<Chain, 'genesis' | 'commits'>
  /** How it misbehaves. @default not at all */
  readonly script?: ByzantineScript
  /** @default a new one */
  readonly privateKey?: PrivateKey
}

/** The name of an RPC, as in a {@link ByzantineScript}. */
export type RpcName = keyof ByzantineScript

/** A running peer that misbehaves. */
export interface ByzantinePeer extends AsyncDisposable {
  readonly peerId: PeerId
  /** For misbehaving as one who asks: raw streams, or requests through the service. */
  readonly libp2p: Libp2p<{ rpc: Rpc }>
  /** Multiaddrs to be dialled, each with its peer id. */
  addresses(): string[]
  /** Connects to a node. Then it is a stranger to it, and no seed that the node's operator chose. */
  dial(node: { addresses(): string[] }): Promise<void>
  /**
   * Goes on with the chain that it answers from.
   *
   * @throws {StorageError} when the commits do not follow those it has
   */
  extend(commits: readonly ScriptedCommit[]): Promise<void>
  /** Requests that it got, by RPC. */
  asked(name: RpcName): number
  /** Resolves once it has no connection to a peer. @throws the signal's reason */
  disconnectedFrom(peer: PeerId, options?: { signal?: AbortSignal }): Promise<void>
  /** Idempotent. */
  stop(): Promise<void>
}

/** Most streams of one protocol on a connection: none of its own misbehaviour should end at its own limits. */
const MAX_STREAMS = 1_024
/** How long it waits for a request on a raw stream, in milliseconds. */
const REQUEST_TIMEOUT_MS = 10_000

/**
 * Starts a peer on loopback that speaks the protocols honestly, over real TCP, but where its script misbehaves.
 *
 * ```ts
 * const liar = await startByzantinePeer({
 *   chain,
 *   script: {
 *     getCommitAvailability: { answer: async function* () { yield { highestCertifiable: 2 ** 53 - 1, lowestAvailable: 1 } } },
 *     fetchBlocks: { stream: tornAfter(10_000) }
 *   }
 * })
 * await liar.dial(node)
 * ```
 *
 * @throws {StorageError} when the chain's commits do not follow each other
 */
export async function startByzantinePeer(init: ByzantinePeerInit): Promise<ByzantinePeer> {
  const { chain, script = {} } = init
  const store = await openMemoryStore({ genesis: chain.genesis })
  await writeChain(store, chain.commits)
  const libp2p = await createLibp2p({
    start: false,
    privateKey: init.privateKey ?? (await generateKeyPair('Ed25519')),
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ streamOptions: YAMUX_STREAM_OPTIONS })],
    connectionManager: { inboundConnectionThreshold: Number.POSITIVE_INFINITY },
    services: {
      identify: identify(),
      ping: ping(),
      addressTimer: addressTimer(),
      rpc: rpc({ chainId: chain.genesis.chainId })
    }
  })
  const peer = new ScriptedPeer(libp2p, store)
  await peer.serve(chain, script)
  await libp2p.start()
  return peer
}

class ScriptedPeer implements ByzantinePeer {
  readonly libp2p: Libp2p<{ rpc: Rpc }>
  readonly #store: CommitStore
  readonly #asked = new Map<RpcName, number>()

  constructor(libp2p: Libp2p<{ rpc: Rpc }>, store: CommitStore) {
    this.libp2p = libp2p
    this.#store = store
  }

  get peerId(): PeerId {
    return this.libp2p.peerId
  }

  addresses(): string[] {
    return this.libp2p.getMultiaddrs().map((address) => address.toString())
  }

  async dial(node: { addresses(): string[] }): Promise<void> {
    await this.libp2p.dial(node.addresses().map((address) => multiaddr(address)))
  }

  extend(commits: readonly ScriptedCommit[]): Promise<void> {
    return writeChain(this.#store, commits)
  }

  asked(name: RpcName): number {
    return this.#asked.get(name) ?? 0
  }

  async disconnectedFrom(peer: PeerId, { signal }: { signal?: AbortSignal } = {}): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onDisconnect = (event: CustomEvent<PeerId>) => {
      if (event.detail.equals(peer)) resolve()
    }
    const onAbort = () => reject(signal?.reason)
    this.libp2p.addEventListener('peer:disconnect', onDisconnect)
    signal?.addEventListener('abort', onAbort)
    try {
      signal?.throwIfAborted()
      if (this.libp2p.getConnections(peer).length > 0) await promise
    } finally {
      this.libp2p.removeEventListener('peer:disconnect', onDisconnect)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async stop(): Promise<void> {
    await this.libp2p.stop()
    await this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async serve({ genesis }: ByzantinePeerInit['chain'], script: ByzantineScript): Promise<void> {
    const server = new CommitServer({ genesis, store: this.#store })
    await this.#serve('getCommitInfo', getCommitInfo, script, (request) => one(server.commitInfo(request)))
    await this.#serve('getCommitAvailability', getCommitAvailability, script, () => one(server.availability()))
    await this.#serve('fetchCommits', fetchCommits, script, (request, { signal }) =>
      server.fetchCommits(request, signal)
    )
    await this.#serve('fetchBlocks', fetchBlocks, script, (request, { signal }) =>
      defined(server.fetchBlocks(request, signal))
    )
    await this.#serve('pushCommit', pushCommit, script, () => one({}))
    await this.#serve('getKnownPeers', getKnownPeers, script, () => one({ ownInfo: undefined, knownInfos: [] }))
  }

  async #serve<Request, Response, Name extends RpcName>(
    name: Name,
    protocol: RpcProtocol<Request, Response>,
    script: { readonly [name in Name]?: Misconduct<RpcProtocol<Request, Response>> },
    honest: (request: Request, context: RpcContext) => AsyncIterable<Response>
  ): Promise<void> {
    const count = () => this.#asked.set(name, this.asked(name) + 1)
    const misconduct = script[name]
    if (misconduct !== undefined && 'stream' in misconduct) {
      await this.#serveRaw(protocol, misconduct.stream, honest, count)
      return
    }
    this.libp2p.services.rpc.handle(protocol, (request, context) => {
      count()
      const answer = honest(request, context)
      return misconduct === undefined ? answer : misconduct.answer(answer, request, context)
    })
  }

  async #serveRaw<Request, Response>(
    protocol: RpcProtocol<Request, Response>,
    lie: StreamLie,
    honest: (request: Request, context: RpcContext) => AsyncIterable<Response>,
    count: () => void
  ): Promise<void> {
    const handler = async (stream: Stream, { remotePeer: peer }: Connection) => {
      count()
      const context = { peer, signal: new AbortController().signal }
      const request = readRequest(stream, protocol)
      const requested = request.then(() => undefined)
      for (const promise of [request, requested]) promise.catch(() => {}) // a lie need not care for the request
      await lie({ stream, requested, honest: () => honestFrames(protocol, request, (body) => honest(body, context)) })
    }
    await this.libp2p.handle(this.libp2p.services.rpc.protocolId(protocol), handler, {
      maxInboundStreams: MAX_STREAMS
    })
  }
}

async function readRequest<Request, Response>(
  stream: Stream,
  protocol: RpcProtocol<Request, Response>
): Promise<Request> {
  const frame = await new FrameStream(stream).read(protocol.maxRequestBytes, REQUEST_TIMEOUT_MS)
  if (frame === undefined) throw new RpcError('RPC_STREAM_TORN', 'a stream without a request')
  return protocol.request.decode(requestFrameMessage.decode(frame).body)
}

async function* honestFrames<Request, Response>(
  protocol: RpcProtocol<Request, Response>,
  request: Promise<Request>,
  honest: (request: Request) => AsyncIterable<Response>
): AsyncGenerator<Uint8ArrayList> {
  for await (const response of honest(await request)) {
    yield encodeResponseFrame(protocol.response.encode(response), protocol.maxResponseBytes)
  }
  yield encodeStatusFrame(OK_STATUS)
}

async function* one<T>(value: T | Promise<T>): AsyncGenerator<T> {
  yield await value
}

async function* defined<T>(items: AsyncIterable<T | undefined>): AsyncGenerator<T> {
  for await (const item of items) if (item !== undefined) yield item
}
