import type { ConsequenceTable } from '../peers/consequence.ts'
import { SomaError } from '../runtime/soma-error.ts'

/** Why discovery refuses something. */
export type DiscoveryErrorCode =
  // a sealed node info, in the order of the checks
  | 'INFO_TOO_LONG'
  | 'INFO_UNPARSABLE' // not a sealed node info in its canonical encoding
  | 'INFO_UNSUPPORTED_KEY' // sealed by a key that is not Ed25519
  | 'INFO_WRONG_SIGNER' // the signer is not the subject
  | 'INFO_WRONG_SUBJECT' // a peer's own info that is another peer's
  | 'INFO_OWN' // about ourselves
  | 'INFO_PRIVATE' // a private info, which nobody may relay
  | 'INFO_FROM_FUTURE' // over 30 s in the future
  | 'INFO_TOO_OLD' // over 24 h old
  | 'INFO_STALE' // not newer than what is known
  | 'INFO_BAD_ADDRESS' // an address that is not `/<ip or dns>/.../tcp/<port>`, or that names another peer
  | 'INFO_NO_ADDRESS' // no address that we may dial: none at all, or only ones of private ranges
  | 'INFO_BAD_SIGNATURE'
  // our own configuration
  | 'PEER_ADDRESS_INVALID' // a seed or configured peer that is not a multiaddr with a peer id

/** A node info, or an address, that discovery refuses. */
export class DiscoveryError extends SomaError<DiscoveryErrorCode> {}

/**
 * What a refused info means for the peer that handed it over: it has checked the info itself, so one that nobody could have accepted is a
 * violation. What depends on clocks, on configuration or on what each side knows is nobody's fault.
 */
export const DISCOVERY_CONSEQUENCES: ConsequenceTable<DiscoveryErrorCode> = {
  INFO_TOO_LONG: 'penalty',
  INFO_UNPARSABLE: 'penalty',
  INFO_UNSUPPORTED_KEY: 'penalty',
  INFO_WRONG_SIGNER: 'penalty',
  INFO_WRONG_SUBJECT: 'penalty',
  INFO_PRIVATE: 'penalty',
  INFO_BAD_ADDRESS: 'penalty',
  INFO_BAD_SIGNATURE: 'penalty',
  INFO_OWN: 'none',
  INFO_FROM_FUTURE: 'none',
  INFO_TOO_OLD: 'none',
  INFO_STALE: 'none',
  INFO_NO_ADDRESS: 'none',
  PEER_ADDRESS_INVALID: 'none'
}
