/** `<epoch>-<sequence>`: a message's id, its ETag and the cursor of a stream in one. */
export function formatId(epoch: string, sequence: number): string {
  return `${epoch}-${sequence}`;
}

export interface MessageId {
  readonly epoch: string;
  readonly sequence: number;
}

/** Undefined if the text has not the form of an id. */
export function parseId(text: string): MessageId | undefined {
  const [, epoch, digits] = /^([A-Za-z0-9]{1,64})-(\d{1,15})$/.exec(text) ?? [];
  return epoch === undefined ? undefined : { epoch, sequence: Number(digits) };
}
