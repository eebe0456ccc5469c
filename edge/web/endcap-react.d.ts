/** Types of endcap-react.js, and of `<endcap-shelf>` in JSX. */

import type { DetailedHTMLProps, HTMLAttributes, ReactNode } from "react";
import type { Answer, Item, Query, ShelfAttributes, ShelfElement, ShelvesOptions, Slot, Surface } from "./endcap.js";

export interface UseShelvesOptions extends Omit<ShelvesOptions, "signal"> {
  /** An answer that a server has already got for this question. */
  initial?: Answer;
}

export interface Shelves {
  answer?: Answer;
  /** Why `answer` is the fallback. */
  error?: Error;
  loading: boolean;
}

/** The shelves of a page; asks anew when the question changes, and gives up when the component goes. */
export function useShelves(surface: Surface, query?: Query, options?: UseShelvesOptions): Shelves;

export interface ShelfProps {
  answer?: Answer;
  /** By default the first shelf of the answer. */
  slot?: string;
  heading?: ReactNode;
  headingLevel?: 1 | 2 | 3 | 4 | 5 | 6;
  /** For prices, by default en-US. */
  locale?: string;
  className?: string;
  /** Shown where the answer has no such shelf. */
  fallback?: ReactNode;
  /** Called when a card's link is followed. */
  onSelect?: (item: Item, slot: Slot) => void;
  /** Draws a card, where the plain one will not do. */
  children?: (item: Item, slot: Slot) => ReactNode;
}

/** One shelf of an answer, or its fallback. */
export function Shelf(props: ShelfProps): ReactNode;

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "endcap-shelf": Omit<DetailedHTMLProps<HTMLAttributes<ShelfElement>, ShelfElement>, keyof ShelfAttributes> &
        ShelfAttributes;
    }
  }
}
