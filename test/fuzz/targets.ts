import type { FuzzTarget } from './fuzz-target.ts'
import { askingTargets } from './targets/asking.ts'
import { chainFileTarget } from './targets/chain-file.ts'
import { consensusTargets } from './targets/consensus.ts'
import { discoveryTargets } from './targets/discovery.ts'
import { fileTargets } from './targets/files.ts'
import { ledgerTargets } from './targets/ledger.ts'
import { messageTargets } from './targets/messages.ts'
import { rangeTargets } from './targets/range.ts'
import { recordTargets } from './targets/records.ts'
import { rpcTargets } from './targets/rpc.ts'
import { servingTargets } from './targets/serving.ts'
import { storageTargets } from './targets/storage.ts'
import { verifyTargets } from './targets/verify.ts'

/** Everything of this repository that takes bytes from outside. */
export async function targets(): Promise<FuzzTarget[]> {
  return [
    ...(await messageTargets()),
    ...consensusTargets(),
    ...verifyTargets(),
    ...rpcTargets(),
    ...(await discoveryTargets()),
    ...(await recordTargets()),
    ...ledgerTargets(),
    ...storageTargets(),
    ...rangeTargets(),
    ...fileTargets(),
    chainFileTarget(),
    ...servingTargets(),
    ...askingTargets()
  ]
}
