import { readFile } from 'node:fs/promises'
import { publicKeyFromRaw } from '@libp2p/crypto/keys'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { z } from 'zod'
import { NO_CHAIN } from '../../src/consensus/intent.ts'
import type { Validator } from '../../src/consensus/validator-set.ts'
import { VALIDATOR_DESCRIPTOR_KIND as KIND, readKeyFile, type ValidatorSecrets } from '../../src/node/key-file.ts'
import { fromHex, toHex } from '../../src/runtime/hex.ts'
import { toError } from '../../src/runtime/soma-error.ts'
import { blsKeyPair } from '../../src/verify/bls.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { makeProofOfPossession, verifyProofOfPossession } from '../../src/verify/proof-of-possession.ts'
import { UsageError } from './cli-error.ts'

/** What others may know of a validator's keys, with the proof that it holds its authority key: all that a genesis needs of it. */
export type ValidatorDescriptor = Pick<Validator, 'authorityKey' | 'proofOfPossession' | 'protocolKey' | 'networkKey'>

const hex = (bytes: number) =>
  z
    .string()
    .regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`), `should be ${bytes * 2} hexadecimal digits`)
    .transform(fromHex)

const descriptorFile = z.strictObject({
  kind: z.literal(KIND),
  peerId: z.string(),
  networkKey: hex(32),
  protocolKey: hex(32),
  authorityKey: hex(48),
  proofOfPossession: hex(96)
})

/** The public part of a validator's keys. */
export function describeValidator(keys: ValidatorSecrets): ValidatorDescriptor {
  const authority = blsKeyPair(keys.authoritySeed)
  return {
    networkKey: ed25519PublicKey(keys.networkSeed),
    protocolKey: ed25519PublicKey(keys.protocolSeed),
    authorityKey: authority.publicKey,
    proofOfPossession: makeProofOfPossession(authority, NO_CHAIN)
  }
}

/** The peer id that belongs to a network key. */
export function peerIdOfNetworkKey(networkKey: Uint8Array): string {
  return peerIdFromPublicKey(publicKeyFromRaw(networkKey)).toString()
}

/** A descriptor as the content of a `.pub.json` file. */
export function formatDescriptor(descriptor: ValidatorDescriptor): string {
  const content = {
    kind: KIND,
    peerId: peerIdOfNetworkKey(descriptor.networkKey),
    networkKey: toHex(descriptor.networkKey),
    protocolKey: toHex(descriptor.protocolKey),
    authorityKey: toHex(descriptor.authorityKey),
    proofOfPossession: toHex(descriptor.proofOfPossession)
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

/**
 * Reads a validator's descriptor, from its public file or from its key file, and checks its proof of possession.
 *
 * @throws {UsageError} `FILE_UNREADABLE`, `DESCRIPTOR_INVALID`
 * @throws {KeyFileError} when it is a key file that cannot be used
 */
export async function readDescriptor(path: string): Promise<ValidatorDescriptor> {
  const json = await readJson(path)
  const kind = typeof json === 'object' && json !== null && 'kind' in json ? json.kind : undefined
  if (kind !== KIND) {
    if (typeof kind !== 'string' || !kind.startsWith('soma-p2p/'))
      throw invalid(path, "it is neither a validator's public part nor its key file")
    const keys = await readKeyFile(path)
    if (keys.role !== 'validator') throw invalid(path, 'it is the key of a full node, which has no vote')
    return describeValidator(keys)
  }
  const parsed = descriptorFile.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw invalid(path, `${issue?.path.join('.') || 'content'}: ${issue?.message}`)
  }
  const { kind: _, peerId, ...descriptor } = parsed.data
  const actual = peerIdOfNetworkKey(descriptor.networkKey)
  if (actual !== peerId) throw invalid(path, `its network key gives the peer id ${actual}, not ${peerId}`)
  if (!verifyProofOfPossession(descriptor, NO_CHAIN)) throw invalid(path, 'its proof of possession is false')
  return descriptor
}

async function readJson(path: string): Promise<unknown> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new UsageError('FILE_UNREADABLE', `cannot read ${path}: ${toError(cause).message}`, { cause })
  }
  try {
    return JSON.parse(text)
  } catch {
    throw invalid(path, 'it is not JSON')
  }
}

function invalid(path: string, why: string): UsageError {
  return new UsageError('DESCRIPTOR_INVALID', `${path} does not describe a validator: ${why}`)
}
