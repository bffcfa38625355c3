/** How much of a packet its properties may be. */
export interface PropertyLimits {
  /** Properties in one block, each repetition counted. */
  readonly countMax: number;
  /** Bytes of one block. */
  readonly bytesMax: number;
}

/**
 * Unless somebody says otherwise. Names and values of user properties cost half a microsecond each, and a packet of
 * 1 MiB has room for 200,000 of them. The bytes have room for the three long fields of a PUBLISH at their longest.
 */
export const PROPERTY_LIMITS: PropertyLimits = { countMax: 256, bytesMax: 256 * 1024 };
