import type { Genesis } from '../../src/consensus/genesis.ts'
import { readKeyFile, type ValidatorSecrets } from '../../src/node/key-file.ts'
import { toHex } from '../../src/runtime/hex.ts'
import { ed25519PublicKey } from '../../src/verify/ed25519.ts'
import { UsageError } from './cli-error.ts'

/**
 * Reads the secrets of a whole committee, for a scripted consensus signs for all of it.
 *
 * @returns them by index in the committee
 * @throws {UsageError} `USAGE` when a validator's are missing
 * @throws {KeyFileError} for a file that cannot be used
 */
export async function readCommitteeKeys(genesis: Genesis, files: readonly string[]): Promise<ValidatorSecrets[]> {
  const keys = await Promise.all(files.map(readKeyFile))
  const byProtocolKey = new Map<string, ValidatorSecrets>()
  for (const secrets of keys) {
    if (secrets.role === 'validator') byProtocolKey.set(toHex(ed25519PublicKey(secrets.protocolSeed)), secrets)
  }
  return genesis.committee.validators.map((validator, index) => {
    const secrets = byProtocolKey.get(toHex(validator.protocolKey))
    if (secrets !== undefined) return secrets
    throw new UsageError(
      'USAGE',
      `a scripted consensus signs for the whole committee, and none of ${files.join(', ')} is the key of validator ${index}: name all key files under scripted.keys`
    )
  })
}
