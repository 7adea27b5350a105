import { readFile } from 'node:fs/promises'
import { ConsensusError } from '../../src/consensus/consensus-error.ts'
import { decodeGenesis, type Genesis } from '../../src/consensus/genesis.ts'
import { UsageError } from './cli-error.ts'

/**
 * Reads a genesis file.
 *
 * @throws {UsageError} `FILE_UNREADABLE`
 * @throws {ConsensusError} `GENESIS_INVALID` and others, naming the file
 */
export async function readGenesis(path: string): Promise<Genesis> {
  try {
    return decodeGenesis(new Uint8Array(await readFile(path)))
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause)
      throw new UsageError('FILE_UNREADABLE', `cannot read the genesis: ${cause.message}`, { cause })
    if (!(cause instanceof ConsensusError)) throw cause
    const why = cause.code === 'GENESIS_INVALID' ? '' : `: ${cause.message}`
    throw new ConsensusError(cause.code, `${path} is not a genesis file${why}`, { cause })
  }
}
