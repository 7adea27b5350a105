import { existsSync } from 'node:fs'
import { multiaddr } from '@multiformats/multiaddr'
import { InvalidArgumentError } from 'commander'
import { MAX_ADDRESS_BYTES, MAX_ADDRESSES } from '../../src/consensus/limits.ts'

/** A validator as given to `genesis --validator`. */
export interface ValidatorArgument {
  readonly file: string
  readonly stake: number
  readonly addresses: readonly string[]
}

/**
 * Reads `FILE[:STAKE[:ADDRESS,...]]`. A file name may hold colons itself: the stake is the first part of nothing but digits, and where
 * no file is called like what stands before it, that holds a stake which is none.
 *
 * @throws {InvalidArgumentError} which commander reports with the flag's name
 */
export function parseValidator(text: string): ValidatorArgument {
  const [, file, stakeText, list] = /^(.+?)(?::(\d+)(?::(.+))?)?$/.exec(text) ?? []
  if (file === undefined) throw new InvalidArgumentError('It should be FILE[:STAKE[:ADDRESS,...]].')
  checkFile(file)
  const stake = stakeText === undefined ? 1 : Number(stakeText)
  if (!Number.isSafeInteger(stake) || stake === 0) throw wrongStake(stakeText ?? '')
  const addresses = list === undefined ? [] : list.split(',')
  if (addresses.length > MAX_ADDRESSES) throw new InvalidArgumentError(`At most ${MAX_ADDRESSES} addresses.`)
  for (const address of addresses) checkAddress(address)
  return { file, stake, addresses }
}

function checkFile(file: string): void {
  const colon = file.indexOf(':', process.platform === 'win32' ? 2 : 0) // after that of a drive
  if (colon < 0 || existsSync(file)) return
  const [stake = ''] = file.slice(colon + 1).split(':')
  if (/^\d+$/.test(stake)) throw new InvalidArgumentError('It should be FILE[:STAKE[:ADDRESS,...]].')
  throw wrongStake(stake)
}

function wrongStake(stake: string): InvalidArgumentError {
  return new InvalidArgumentError(`A stake is a whole number from 1 to ${Number.MAX_SAFE_INTEGER}, not "${stake}".`)
}

function checkAddress(address: string): void {
  try {
    multiaddr(address)
  } catch {
    throw new InvalidArgumentError(`${address} is not a multiaddr such as /ip4/10.0.0.1/tcp/9000.`)
  }
  if (Buffer.byteLength(address) > MAX_ADDRESS_BYTES)
    throw new InvalidArgumentError(`An address is at most ${MAX_ADDRESS_BYTES} bytes.`)
}
