import { checkTopic, isReserved } from "../topic/name.ts";

/** What stands in the template for the client identifier. */
const CLIENT_ID = /%c/g;
/** A level more, or a wildcard: the identifier would reach into the replies of others. */
const UNFIT_CLIENT_ID = /[/+#]/;

/**
 * The topic below which a client may have its replies (MQTT 5.0, 3.2.2.3.15), undefined for none: there is no template,
 * or with this client identifier it makes no topic of the client's own.
 */
export function responseInformationFor(
  template: string,
  clientId: string,
  levelsMax: number,
): string | undefined {
  if (template === "" || (template.includes("%c") && UNFIT_CLIENT_ID.test(clientId))) return undefined;
  const topic = template.replace(CLIENT_ID, () => clientId);
  return checkTopic(topic, levelsMax) || isReserved(topic) ? undefined : topic;
}
