"""The drawings of the product tiles, by kind of product; the shop's own, made of plain shapes."""
