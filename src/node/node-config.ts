import { availableParallelism } from 'node:os'
import { MAX_COMMITS_PER_FETCH } from '../state-sync/messages.ts'
import { NodeError } from './node-error.ts'
import type { NodeConfig } from './soma-node.ts'

/** More threads than this verify faster than any network delivers. */
const MAX_SIGNATURE_WORKERS = 64

/** Defaults of every knob but `privateNetwork`, which follows from the addresses. Figures of the seeds where they have one. */
export const NODE_DEFAULTS: Omit<NodeConfig, 'privateNetwork'> = {
  targetConnections: 20,
  maxConnections: 100,
  maxConnectionsPerSubnet: 5,
  committeePeers: 4,
  discoveryIntervalMs: 5_000,
  heightQueryIntervalMs: 5_000,
  commitsPerRange: MAX_COMMITS_PER_FETCH,
  maxRangesInFlight: 8,
  stallMs: 3_000,
  stuckMs: 10_000,
  maxBytesInFlight: 128 * 1024 * 1024,
  maxExecutorLead: Number.POSITIVE_INFINITY,
  signatureWorkers: Math.min(MAX_SIGNATURE_WORKERS, availableParallelism()),
  keepCommits: Number.POSITIVE_INFINITY,
  encryption: 'noise'
}

type NumberKey = Exclude<keyof typeof NODE_DEFAULTS, 'encryption'>

/** What each knob may be: lowest, highest, and whether it may be without a bound. */
const RANGES: Readonly<Record<NumberKey, readonly [number, number, boolean?]>> = {
  targetConnections: [1, 1_000],
  maxConnections: [1, 10_000],
  maxConnectionsPerSubnet: [1, 10_000],
  committeePeers: [0, 1_000],
  discoveryIntervalMs: [50, 3_600_000],
  heightQueryIntervalMs: [100, 3_600_000],
  commitsPerRange: [1, MAX_COMMITS_PER_FETCH],
  maxRangesInFlight: [1, 64],
  stallMs: [100, 600_000],
  stuckMs: [1_000, 3_600_000],
  maxBytesInFlight: [1, Number.MAX_SAFE_INTEGER],
  maxExecutorLead: [1, Number.MAX_SAFE_INTEGER, true],
  signatureWorkers: [0, MAX_SIGNATURE_WORKERS],
  keepCommits: [1, Number.MAX_SAFE_INTEGER, true]
}

/**
 * Fills in the defaults and checks every knob.
 *
 * @throws {NodeError} `CONFIG_INVALID`, naming the key and what it should be
 */
export function resolveConfig(given: Partial<NodeConfig>, defaults: { privateNetwork: boolean }): NodeConfig {
  for (const key of Object.keys(given)) {
    if (key !== 'privateNetwork' && key !== 'encryption' && !(key in RANGES))
      throw new NodeError('CONFIG_INVALID', `config.${key} is no knob of a node`)
  }
  const config: NodeConfig = { ...NODE_DEFAULTS, ...defaults, ...given }
  for (const [key, [lowest, highest, mayBeUnbounded]] of Object.entries(RANGES)) {
    const value = config[key as NumberKey]
    const isBounded = Number.isInteger(value) && value >= lowest && value <= highest
    if (isBounded || (mayBeUnbounded === true && value === Number.POSITIVE_INFINITY)) continue
    const alternative = mayBeUnbounded === true ? ', or Infinity' : ''
    throw new NodeError(
      'CONFIG_INVALID',
      `config.${key} is ${value}; it should be a whole number from ${lowest} to ${highest}${alternative}`
    )
  }
  if (config.encryption !== 'noise' && config.encryption !== 'tls')
    throw new NodeError('CONFIG_INVALID', `config.encryption is ${config.encryption}; it should be noise or tls`)
  if (config.maxConnections < config.targetConnections) {
    throw new NodeError('CONFIG_INVALID', 'config.maxConnections should be at least config.targetConnections')
  }
  return config
}
