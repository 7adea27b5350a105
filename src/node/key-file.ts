import { randomBytes } from 'node:crypto'
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { z } from 'zod'
import { fromHex, toHex } from '../runtime/hex.ts'
import { SomaError, toError } from '../runtime/soma-error.ts'

/** Why a key file was not read or written. */
export type KeyFileErrorCode =
  | 'KEY_FILE_EXISTS' // keys are never overwritten
  | 'KEY_FILE_UNREADABLE' // not there, or not ours to read
  | 'KEY_FILE_UNWRITABLE'
  | 'KEY_FILE_INVALID' // something else than a key file
  | 'KEY_FILE_EXPOSED' // every user of the machine can read it

/** A key file that cannot be used. */
export class KeyFileError extends SomaError<KeyFileErrorCode> {}

/** The secret of a full node. */
export interface NetworkKey {
  readonly role: 'full'
  /** Seed of the Ed25519 network key, which gives the peer id: 32 bytes. */
  readonly networkSeed: Uint8Array
}

/** The secrets of a validator, 32 bytes each. */
export interface ValidatorSecrets {
  readonly role: 'validator'
  /** Seed of the Ed25519 network key, which gives the peer id. */
  readonly networkSeed: Uint8Array
  /** Seed of the Ed25519 protocol key, which signs blocks. */
  readonly protocolSeed: Uint8Array
  /** Seed of the BLS12-381 authority key. */
  readonly authoritySeed: Uint8Array
}

/** What a key file holds. */
export type NodeKeys = NetworkKey | ValidatorSecrets

/** How the public part of a validator's keys calls itself: it is taken for a key file now and then. */
export const VALIDATOR_DESCRIPTOR_KIND = 'soma-p2p/validator/1'

const VALIDATOR_KIND = 'soma-p2p/validator-keys/1'
const FULL_NODE_KIND = 'soma-p2p/network-key/1'

const seed = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'should be 64 hexadecimal digits')
  .transform(fromHex)

const keyFile = z.discriminatedUnion('kind', [
  z
    .strictObject({
      kind: z.literal(VALIDATOR_KIND),
      peerId: z.string(),
      networkSeed: seed,
      protocolSeed: seed,
      authoritySeed: seed
    })
    .transform(({ kind: _, ...content }) => ({ role: 'validator' as const, ...content })),
  z
    .strictObject({ kind: z.literal(FULL_NODE_KIND), peerId: z.string(), networkSeed: seed })
    .transform(({ kind: _, ...content }) => ({ role: 'full' as const, ...content }))
])

/** A new network key from the machine's randomness. */
export function generateNetworkKey(): NetworkKey {
  return { role: 'full', networkSeed: newSeed() }
}

/** New secrets of a validator from the machine's randomness. */
export function generateValidatorSecrets(): ValidatorSecrets {
  return { role: 'validator', networkSeed: newSeed(), protocolSeed: newSeed(), authoritySeed: newSeed() }
}

/** The libp2p key among the secrets: what `createNode` takes as `privateKey`. */
export function networkPrivateKeyOf(keys: NodeKeys): Promise<Ed25519PrivateKey> {
  return generateKeyPairFromSeed('Ed25519', keys.networkSeed)
}

/** The peer id of the node with these secrets. */
export async function peerIdOf(keys: NodeKeys): Promise<string> {
  return peerIdFromPrivateKey(await networkPrivateKeyOf(keys)).toString()
}

/**
 * Writes secrets to a new file that only its owner can read.
 *
 * @throws {KeyFileError} `KEY_FILE_EXISTS`, `KEY_FILE_UNWRITABLE`
 */
export async function writeKeyFile(path: string, keys: NodeKeys): Promise<void> {
  const { role, ...seeds } = keys
  const content = {
    kind: role === 'validator' ? VALIDATOR_KIND : FULL_NODE_KIND,
    peerId: await peerIdOf(keys),
    ...Object.fromEntries(Object.entries(seeds).map(([name, seed]) => [name, toHex(seed)]))
  }
  // Under its name it is there whole or not at all: a full disk would leave half of it, which no start could read and none would write over.
  const unnamed = `${path}.${process.pid}.new`
  try {
    await writeFile(unnamed, `${JSON.stringify(content, undefined, 2)}\n`, { flag: 'wx', mode: 0o600, flush: true })
    await link(unnamed, path)
  } catch (cause) {
    if (isSystemError(cause, 'EEXIST')) throw new KeyFileError('KEY_FILE_EXISTS', `${path} is there already`, { cause })
    throw new KeyFileError('KEY_FILE_UNWRITABLE', `cannot write ${path}: ${toError(cause).message}`, { cause })
  } finally {
    await rm(unnamed, { force: true })
  }
}

/**
 * Reads the secrets of a node.
 *
 * @throws {KeyFileError} `KEY_FILE_UNREADABLE`, `KEY_FILE_INVALID`, `KEY_FILE_EXPOSED`
 */
export async function readKeyFile(path: string): Promise<NodeKeys> {
  let text: string
  let mode: number
  try {
    mode = (await stat(path)).mode
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new KeyFileError('KEY_FILE_UNREADABLE', `cannot read ${path}: ${toError(cause).message}`, { cause })
  }
  const { peerId, ...keys } = parseKeyFile(path, text)
  // Windows has no such bits: Node makes them up there.
  if (process.platform !== 'win32' && (mode & 0o007) !== 0) {
    throw new KeyFileError('KEY_FILE_EXPOSED', `${path} holds secrets and is open to every user of this machine`)
  }
  const actual = await peerIdOf(keys)
  if (actual !== peerId)
    throw new KeyFileError('KEY_FILE_INVALID', `${path} is damaged: its network key gives ${actual}, not ${peerId}`)
  return keys
}

function parseKeyFile(path: string, text: string): NodeKeys & { peerId: string } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's own message would quote a piece of the file, and the file holds secrets.
    throw new KeyFileError('KEY_FILE_INVALID', `${path} is not a key file: it is not JSON`)
  }
  const parsed = keyFile.safeParse(json)
  if (parsed.success) return parsed.data
  if (typeof json === 'object' && json !== null && 'kind' in json && json.kind === VALIDATOR_DESCRIPTOR_KIND) {
    const secret = basename(path).replace(/\.pub\.json$/, '.json')
    const named = secret === basename(path) ? '' : `, such as ${secret}`
    throw new KeyFileError(
      'KEY_FILE_INVALID',
      `${path} is the public part of a validator's keys: give the file with the secrets${named}`
    )
  }
  const issue = parsed.error.issues[0]
  throw new KeyFileError(
    'KEY_FILE_INVALID',
    `${path} is not a key file: ${issue?.path.join('.') || 'content'}: ${issue?.message}`
  )
}

function newSeed(): Uint8Array {
  return new Uint8Array(randomBytes(32))
}

function isSystemError(thrown: unknown, code: string): boolean {
  return thrown instanceof Error && 'code' in thrown && thrown.code === code
}
