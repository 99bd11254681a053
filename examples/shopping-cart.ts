/**
 * The shopping cart of the Dynamo paper: "add to cart" is never refused and never forgotten.
 *
 * Two devices read the same cart and add to it without knowing of each other. Neither write may
 * win: both values are kept as siblings, and the bucket's resolver makes one cart of them whenever
 * it is read.
 */
import { json, open, resolver } from "gramme";

/** How many of each article. */
type Cart = Readonly<Record<string, number>>;

// Of each article the larger number: order and repetition do not matter, so all readers agree.
const union = resolver<Cart>("cart-union", (carts) => {
  const merged: Record<string, number> = {};
  for (const cart of carts) {
    for (const [article, count] of Object.entries(cart)) {
      merged[article] = Math.max(merged[article] ?? 0, count);
    }
  }
  return merged;
});

await using db = await open({ memory: true });
const carts = db.bucket("carts", json<Cart>(), { merge: union });

await carts.put("ada", { book: 1 });

// The phone and the laptop see the same cart, and have the same context.
const { values, context } = await carts.getSiblings("ada");
const [seen] = values;
await carts.put("ada", { ...seen, lamp: 1 }, { context });
await carts.put("ada", { ...seen, chair: 4 }, { context });

// Nothing was lost: there are two siblings, and one cart to show.
const siblings = await carts.getSiblings("ada");
console.log(siblings.values.length, "siblings");
console.log(await carts.get("ada"));

// The next update starts from the merged cart and replaces both.
await carts.update("ada", (cart) => ({ ...cart, book: 2 }));
const after = await carts.getSiblings("ada");
console.log(after.values.length, "sibling");
console.log(after.values[0]);

// The context can travel: into a form, a cookie, a message, and back.
console.log(typeof JSON.parse(JSON.stringify(after.context)));
