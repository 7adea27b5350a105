import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'
import type { AccessType } from '../../src/discovery/index.ts'
import type { NodeConfig } from '../../src/node/soma-node.ts'
import { parseListenAddress } from '../../src/operator/listen-address.ts'
import type { HandOverMode } from '../../src/state-sync/index.ts'
import type { VerificationMode } from '../../src/verify/block-verifier.ts'
import type { TransactionKind } from '../ledger/ledger-position.ts'

/** Levels of the log, from nothing to everything. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const

/** The components of this package that log. libp2p has many more, all of them under `libp2p`. */
export const LOG_COMPONENTS = [
  'soma-p2p:node',
  'soma-p2p:rpc',
  'soma-p2p:peers',
  'soma-p2p:connection-watch',
  'soma-p2p:discovery',
  'soma-p2p:dht',
  'soma-p2p:state-sync'
] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

/** How a scripted consensus runs beneath a validator, in place of a real one. */
export interface ScriptedConfig {
  /** Key files of all validators, in any order. @default the node's own */
  keys?: string[]
  /** @default 1 */
  seed: number
  /** Transactions of a block. @default 10 */
  transactions: number
  /** Bytes of a transaction. @default 400 */
  transactionBytes: number
  /** Milliseconds between rounds. @default 250 */
  roundIntervalMs: number
  /** Commits of an epoch. @default one epoch without an end */
  epochCommits?: number
  /** Whether validators sit out epochs in turn, which they follow like full nodes. @default true */
  rotation: boolean
}

/** Keys of a node's configuration that are about its connections. */
type NetworkKey =
  | 'targetConnections'
  | 'maxConnections'
  | 'maxConnectionsPerSubnet'
  | 'committeePeers'
  | 'discoveryIntervalMs'
  | 'encryption'
  | 'privateNetwork'

/** A node as its configuration file describes it. README.md has the table for operators. */
export interface NodeFileConfig {
  /** Path of the genesis file. */
  genesis: string
  /** Path of the key file. @default network-key.json in the data directory, made when it is not there */
  key?: string
  /** Directory of everything that the node keeps, made when it is not there. @default 'soma-data' */
  dataDir: string
  /** Multiaddrs to listen on. @default ['/ip4/127.0.0.1/tcp/0'] */
  listen: string[]
  /** Multiaddrs to announce. @default those listened on */
  announce?: string[]
  /** Multiaddrs, each with its peer id, of nodes to begin with. @default [] */
  seeds: string[]
  /** Multiaddrs, each with its peer id, of nodes to be connected to always. @default [] */
  peers: string[]
  network: Partial<Pick<NodeConfig, NetworkKey>> & {
    /** Peer ids, or addresses with a peer id at their end, that always get in. @default [] */
    allowlist?: string[]
    /** Whether nobody else does, but the configured peers. @default false */
    private?: boolean
    /** Who may learn of the node. @default 'public' */
    accessType?: AccessType
    /** Whether it takes part in the DHT. @default true */
    dht?: boolean
  }
  sync: Partial<Omit<NodeConfig, NetworkKey>> & {
    /** How much of what a quorum certified is verified anew. @default 'full' */
    verification?: VerificationMode
    /** How an epoch hands over to the next. @default 'proof' */
    handOver?: HandOverMode
    /** Path of a checkpoint to begin at, and to accept nothing against. @default none */
    checkpoint?: string
  }
  http: {
    /** Address and port of the status page, or `off`. Port 0 takes a free one. @default '127.0.0.1:0' */
    listen: string
  }
  /** What hands in commits. @default 'none' */
  consensus: 'none' | 'scripted'
  scripted: ScriptedConfig
  /** What blocks carry: bytes that nobody reads, or certified transfers, which the node verifies and the ledger executes. @default 'opaque' */
  transactions: TransactionKind
  /** What consumes commits. @default 'ledger' */
  executor: 'ledger' | 'none'
  log: {
    /** @default 'info' */
    level: LogLevel
    /** Levels by component, such as `soma-p2p:state-sync`. libp2p is silent unless it is named. @default {} */
    components: Record<string, LogLevel>
  }
}

const path = z.string('the path of a file').min(1, 'the path of a file')
const address = z.string('a multiaddr such as /ip4/10.0.0.1/tcp/9000').refine(isMultiaddr, {
  error: 'a multiaddr such as /ip4/10.0.0.1/tcp/9000'
})
const seedAddress = z
  .string('a multiaddr with a peer id, such as /ip4/10.0.0.1/tcp/9000/p2p/12D3Koo...')
  .refine((text) => isMultiaddr(text) && text.includes('/p2p/'), {
    error: 'a multiaddr with a peer id, such as /ip4/10.0.0.1/tcp/9000/p2p/12D3Koo...'
  })
const allowed = z.string('a peer id such as 12D3Koo..., or an address with one at its end').refine(isAllowed, {
  error: 'a peer id such as 12D3Koo..., or an address with one at its end'
})
const httpListen = z
  .string('an address and a port such as 127.0.0.1:9100, or off')
  .refine((text) => text === 'off' || isListenAddress(text), {
    error: 'an address and a port such as 127.0.0.1:9100, or off'
  })
const level = z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`)
const minute = 60_000

/**
 * The configuration file. Every message is a phrase that goes on from "should be".
 *
 * Ranges keep out what cannot be meant: a node with them at either end still works.
 */
export const configSchema: z.ZodType<NodeFileConfig> = z.strictObject(
  {
    genesis: path,
    key: path.exactOptional(),
    dataDir: z.string('the path of a directory').min(1, 'the path of a directory').default('soma-data'),
    listen: z.array(address, 'a list of multiaddrs').default(['/ip4/127.0.0.1/tcp/0']),
    announce: z.array(address, 'a list of multiaddrs').exactOptional(),
    seeds: z.array(seedAddress, 'a list of multiaddrs with peer ids').default([]),
    peers: z.array(seedAddress, 'a list of multiaddrs with peer ids').default([]),
    network: section({
      targetConnections: integer(1, 1_000).exactOptional(),
      maxConnections: integer(1, 10_000).exactOptional(),
      maxConnectionsPerSubnet: integer(1, 10_000).exactOptional(),
      committeePeers: integer(0, 1_000).exactOptional(),
      discoveryIntervalMs: integer(50, 60 * minute).exactOptional(),
      encryption: z.enum(['noise', 'tls'], 'noise or tls').exactOptional(),
      privateNetwork: z.boolean('true or false').exactOptional(),
      allowlist: z.array(allowed, 'a list of peer ids, or addresses with them').exactOptional(),
      private: z.boolean('true or false').exactOptional(),
      accessType: z.enum(['public', 'private', 'trusted'], 'public, private or trusted').exactOptional(),
      dht: z.boolean('true or false').exactOptional()
    } satisfies Record<keyof NodeFileConfig['network'], z.ZodType>),
    sync: section({
      heightQueryIntervalMs: integer(100, 60 * minute).exactOptional(),
      commitsPerRange: integer(1, 100).exactOptional(),
      maxRangesInFlight: integer(1, 64).exactOptional(),
      stallMs: integer(100, 10 * minute).exactOptional(),
      stuckMs: integer(1_000, 60 * minute).exactOptional(),
      maxBytesInFlight: integer(4 * 1024 * 1024, 64 * 1024 ** 3).exactOptional(),
      maxExecutorLead: integer(1, Number.MAX_SAFE_INTEGER).exactOptional(),
      signatureWorkers: integer(0, 64).exactOptional(),
      keepCommits: integer(1, Number.MAX_SAFE_INTEGER).exactOptional(),
      verification: z.enum(['full', 'certified'], 'full or certified').exactOptional(),
      handOver: z.enum(['proof', 'inserted'], 'proof or inserted').exactOptional(),
      checkpoint: path.exactOptional()
    } satisfies Record<keyof NodeFileConfig['sync'], z.ZodType>),
    http: section({ listen: httpListen.default('127.0.0.1:0') } satisfies Record<
      keyof NodeFileConfig['http'],
      z.ZodType
    >),
    consensus: z.enum(['none', 'scripted'], 'none or scripted').default('none'),
    scripted: section({
      keys: z.array(path, 'a list of key files').exactOptional(),
      seed: integer(0, Number.MAX_SAFE_INTEGER).default(1),
      transactions: integer(0, 10_000).default(10),
      transactionBytes: integer(0, 1024 * 1024).default(400),
      roundIntervalMs: integer(1, 10 * minute).default(250),
      epochCommits: integer(1, Number.MAX_SAFE_INTEGER).exactOptional(),
      rotation: z.boolean('true or false').default(true)
    } satisfies Record<keyof ScriptedConfig, z.ZodType>),
    transactions: z.enum(['opaque', 'certified'], 'opaque or certified').default('opaque'),
    executor: z.enum(['ledger', 'none'], 'ledger or none').default('ledger'),
    log: section({
      level: level.default('info'),
      components: z
        .record(z.string(), level, 'a section of levels by component, such as soma-p2p:state-sync')
        .superRefine((components, context) => {
          const keys = Object.keys(components).filter((name) => !isLogComponent(name))
          if (keys.length > 0) context.addIssue({ code: 'unrecognized_keys', keys, input: components })
        })
        .default({})
    })
  },
  'a set of keys and values'
)

/** The keys that the configuration has, or a section of it; none where there is no section. */
export function configKeys(path: readonly PropertyKey[] = []): string[] {
  let at: unknown = configSchema
  for (const key of [undefined, ...path]) {
    if (key !== undefined && at instanceof z.ZodObject) at = at.shape[String(key)]
    while (at instanceof z.ZodPrefault || at instanceof z.ZodDefault || at instanceof z.ZodExactOptional)
      at = at.unwrap()
  }
  if (at instanceof z.ZodRecord) return [...LOG_COMPONENTS] // the only one
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function section<S extends z.core.$ZodLooseShape>(shape: S): z.ZodPrefault<z.ZodObject<S, z.core.$strict>> {
  return z.strictObject(shape, `a section with ${Object.keys(shape).join(', ')}`).prefault({} as never)
}

function integer(least: number, most: number): z.ZodNumber {
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  const error = `a whole number ${range}`
  return z.number(error).int(error).min(least, error).max(most, error)
}

function isLogComponent(name: string): boolean {
  return ['soma-p2p', 'libp2p', ...LOG_COMPONENTS].includes(name) || /^libp2p:./.test(name)
}

function isPeerId(text: string): boolean {
  try {
    peerIdFromString(text)
    return true
  } catch {
    return false
  }
}

function isAllowed(text: string): boolean {
  return isPeerId(text) || (isMultiaddr(text) && isPeerId(text.split('/').at(-1) ?? ''))
}

function isListenAddress(text: string): boolean {
  try {
    parseListenAddress(text)
    return true
  } catch {
    return false
  }
}

function isMultiaddr(text: string): boolean {
  try {
    multiaddr(text)
    return true
  } catch {
    return false
  }
}
